// Baileys under remote control: one JSON object a line in (id, op, args), answers and events out.
import { createInterface } from 'node:readline'
import { randomBytes } from 'node:crypto'
import makeWASocket, {
  aesEncryptGCM, BufferJSON, decryptEventResponse, decryptPollVote, DisconnectReason, downloadMediaMessage,
  getAggregateVotesInPollMessage, hmacSign, makeCacheableSignalKeyStore, proto, sha256, useMultiFileAuthState,
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
  // It can open votes and answers, and has no words to say them: they are sealed here as it opens them.
  async vote({ to, id, author, who, options: names }) {
    const plain = proto.Message.PollVoteMessage.encode({ selectedOptions: names.map((n) => sha256(Buffer.from(n))) })
    const vote = seal(plain.finish(), id, author, who, 'Poll Vote')
    const pollUpdateMessage = { pollCreationMessageKey: seen.get(id).key, vote, senderTimestampMs: Date.now() }
    return sock.relayMessage(to, { pollUpdateMessage }, {})
  },
  async respond({ to, id, author, who, response, guests }) {
    const said = { response, timestampMs: Date.now(), extraGuestCount: guests }
    const sealed = seal(proto.Message.EventResponseMessage.encode(said).finish(), id, author, who, 'Event Response')
    const encEventResponseMessage = { eventCreationMessageKey: seen.get(id).key, ...sealed }
    return sock.relayMessage(to, { encEventResponseMessage }, {})
  },
  // How a poll stands after a vote, as it counts.
  async tally({ poll, vote, author, who }) {
    const update = seen.get(vote).message.pollUpdateMessage
    const opened = decryptPollVote(update.vote, {
      pollCreatorJid: author, pollMsgId: poll, pollEncKey: secretOf(poll), voterJid: who,
    })
    const pollUpdates = [{ pollUpdateMessageKey: seen.get(vote).key, vote: opened }]
    return getAggregateVotesInPollMessage({ message: seen.get(poll).message, pollUpdates }, sock.authState.creds.me.id)
  },
  async answer({ event, id, author, who }) {
    return decryptEventResponse(seen.get(id).message.encEventResponseMessage, {
      eventCreatorJid: author, eventMsgId: event, eventEncKey: secretOf(event), responderJid: who,
    })
  },
  async seen({ id }) { return seen.get(id) ?? null },
  // Loses the sessions with somebody, as a damaged folder would.
  async forget({ addresses }) {
    await sock.authState.keys.set({ session: Object.fromEntries(addresses.map((a) => [a, null])) })
  },
}
const secretOf = (id) => seen.get(id).message.messageContextInfo.messageSecret
function seal(plain, id, author, who, use) {
  const info = Buffer.concat([...[id, author, who, use].map((part) => Buffer.from(part)), Buffer.from([1])])
  const key = hmacSign(info, hmacSign(secretOf(id), new Uint8Array(32), 'sha256'), 'sha256')
  const encIv = randomBytes(12)
  return { encPayload: aesEncryptGCM(plain, key, encIv, Buffer.from(`${id}\u0000${who}`)), encIv }
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
