// Baileys as one side of the message benchmarks: one JSON command a line in, answers and pairing out.
// `folder`: its multi-file auth state lies there; without it everything stays in memory.
import { createInterface } from 'node:readline'
import makeWASocket, {
  Browsers, DisconnectReason, initAuthCreds, makeCacheableSignalKeyStore, useMultiFileAuthState,
} from 'baileys'
import P from 'pino'

const logger = P({ level: 'silent' })
const say = (value) => process.stdout.write(JSON.stringify(value) + '\n')
const now = () => Date.now() / 1000

function inMemory() {
  const held = new Map()
  return {
    creds: initAuthCreds(),
    keys: {
      async get(type, ids) { return Object.fromEntries(ids.map((id) => [id, held.get(`${type}/${id}`)])) },
      async set(data) {
        for (const [type, records] of Object.entries(data))
          for (const [id, value] of Object.entries(records))
            value === null ? held.delete(`${type}/${id}`) : held.set(`${type}/${id}`, value)
      },
    },
  }
}

let sock, state, saveCreds, got = 0, awaited = null
const acks = new Map()

function open(url) {
  const mine = (sock = makeWASocket({
    waWebSocketUrl: url,
    auth: { creds: state.creds, keys: makeCacheableSignalKeyStore(state.keys, logger) },
    logger,
    browser: Browsers.ubuntu('Chrome'),
    markOnlineOnConnect: false,
    syncFullHistory: false,
  }))
  mine.ws.on('CB:ack,class:message', (node) => {
    acks.get(node.attrs.id)?.()
    acks.delete(node.attrs.id)
  })
  mine.ev.process(async (events) => {
    if (events['creds.update']) await saveCreds()
    const update = events['connection.update']
    if (update?.qr) say({ qr: update.qr })
    if (update?.connection === 'open') say({ open: true })
    if (update?.connection === 'close' && update.lastDisconnect?.error?.output?.statusCode === DisconnectReason.restartRequired)
      open(url)
    if (events['messages.upsert']?.type === 'notify') {
      got += events['messages.upsert'].messages.filter((message) => message.message).length
      if (awaited && got >= awaited.count) { awaited.done({ last: now() }); awaited = null }
    }
  })
}

async function sendOne(to, text) {
  let done
  const acked = new Promise((resolve) => (done = resolve))
  const { generateMessageIDV2 } = await import('baileys')
  const messageId = generateMessageIDV2(sock.user.id)
  acks.set(messageId, done)
  await sock.sendMessage(to, { text }, { messageId })
  await acked
}

const ops = {
  async start({ url, folder }) {
    if (folder) ({ state, saveCreds } = await useMultiFileAuthState(folder))
    else { state = inMemory(); saveCreds = async () => {} }
    open(url)
  },
  // Resolves when so many messages have come since `arm`.
  async arm() { got = 0 },
  expect: ({ count }) => new Promise((done) => (got >= count ? done({ last: now() }) : (awaited = { count, done }))),
  async send({ to, count, at_once }) {
    const begun = performance.now()
    let next = 0
    const worker = async () => { while (next < count) await sendOne(to, `message ${next++}`) }
    await Promise.all(Array.from({ length: at_once }, worker))
    return (performance.now() - begun) / 1000
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op, ...args } = JSON.parse(line)
  Promise.resolve(ops[op](args)).then(
    (result) => say({ id, result: result ?? null }),
    (error) => say({ id, error: String(error?.stack ?? error) }),
  )
}
process.exit(0)
