// Baileys under remote control: one JSON object a line in (id, op, args), answers and events out.
import { createInterface } from 'node:readline'
import makeWASocket, {
  BufferJSON, DisconnectReason, downloadMediaMessage, makeCacheableSignalKeyStore, useMultiFileAuthState,
} from 'baileys'
import P from 'pino'

const logger = P({ level: process.env.BAILEYS_LOG || 'silent' }, P.destination(2))
const say = (value) => process.stdout.write(JSON.stringify(value, BufferJSON.replacer) + '\n')

let sock, options = {}, stopped = true, saving
const seen = new Map()
const remember = (message) => message?.key?.id && seen.set(message.key.id, message)

async function open() {
  const { state, saveCreds } = await useMultiFileAuthState(options.folder)
  stopped = false
  const mine = (sock = makeWASocket({
    waWebSocketUrl: options.url,
    auth: { creds: state.creds, keys: makeCacheableSignalKeyStore(state.keys, logger) },
    logger,
    browser: ['Linux', 'Chrome', '1.0'],
    markOnlineOnConnect: options.online ?? true,
    syncFullHistory: options.fullHistory ?? false,
    shouldSyncHistoryMessage: () => options.history ?? true,
    getMessage: async (key) => seen.get(key.id)?.message ?? undefined,
  }))
  mine.ev.process(async (events) => {
    for (const [event, data] of Object.entries(events)) {
      if (event === 'creds.update') { await (saving = saveCreds()); continue }
      if (event === 'messages.upsert') data.messages.forEach(remember)
      if (event === 'connection.update' && data.connection === 'close') {
        const code = data.lastDisconnect?.error?.output?.statusCode
        say({ event, data: { connection: 'close', code, reason: String(data.lastDisconnect?.error?.message ?? '') } })
        // What every user of Baileys does: a restart is asked for after pairing.
        if (mine === sock && !stopped && code === DisconnectReason.restartRequired) await open()
        continue
      }
      say({ event, data })
    }
  })
}

// Its files are written in its own time, and a file cut short would be read as a device that was never linked.
async function stop() {
  stopped = true
  await sock?.end(undefined)
  sock = undefined
  await saving
  await new Promise((done) => setTimeout(done, 200))
}

const ops = {
  async start(args) { options = args; await open() },
  stop,
  async code({ number }) { return sock.requestPairingCode(number) },
  async send({ to, content, options: extra }) {
    const sent = await sock.sendMessage(to, revive(content), extra)
    remember(sent)
    return sent
  },
  // Any method of the socket by name.
  async call({ method, args }) { return sock[method](...(args ?? []).map(revive)) },
  async download({ id }) { return (await downloadMediaMessage(seen.get(id), 'buffer', {})).toString('base64') },
  async me() {
    const { me, registrationId } = sock.authState.creds
    return { ...me, registrationId }
  },
  // Asks the phone to upload a file again.
  async upload_again({ id }) {
    const fresh = await sock.updateMediaMessage(seen.get(id))
    remember(fresh)
    return fresh
  },
  async seen({ id }) { return seen.get(id) ?? null },
  // Loses the sessions with somebody, as a damaged folder would.
  async forget({ addresses }) {
    await sock.authState.keys.set({ session: Object.fromEntries(addresses.map((a) => [a, null])) })
  },
}
const revive = (value) =>
  JSON.parse(JSON.stringify(value), (k, v) => (v?.type === 'Date' ? new Date(v.data) : BufferJSON.reviver(k, v)))

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op, args } = JSON.parse(line)
  Promise.resolve()
    .then(() => ops[op](args ?? {}))
    .then((result) => say({ id, result: result ?? null }), (error) => say({ id, error: String(error?.stack ?? error) }))
}
await stop()
process.exit(0)
