// Changes where Baileys connects, at load time and nowhere else: its trusted certificate root and its media host.
// Its logic stays as published; a replacement that no longer fits ends the test.
const changes = {}

export async function initialize({ root, media }) {
  changes['/baileys/lib/Defaults/index.js'] = [
    ['142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b', root],
  ]
  changes['/baileys/lib/Utils/messages-media.js'] = [
    ["DEF_MEDIA_HOST = 'mmg.whatsapp.net'", `DEF_MEDIA_HOST = '${media}'`],
    ['`https://${host}${directPath}`', '`http://${host}${directPath}`'],
    ['`https://${hostname}${MEDIA_PATH_MAP', '`http://${hostname}${MEDIA_PATH_MAP'],
  ]
}

export async function load(url, context, next) {
  const wanted = Object.keys(changes).find((end) => url.endsWith(end))
  const loaded = await next(url, context)
  if (!wanted) return loaded
  let source = loaded.source.toString()
  for (const [old, fresh] of changes[wanted]) {
    if (!source.includes(old)) throw new Error(`${wanted} no longer holds ${old}`)
    source = source.replace(old, fresh)
  }
  return { ...loaded, source }
}
