// libsignal-node and Baileys' sender keys, over a store that hands out what it was given and drops what comes back:
// every call does the same work on the same transcript.
import { createRequire } from 'node:module'
import { GroupCipher } from 'baileys/lib/Signal/Group/index.js'
import { SenderKeyName } from 'baileys/lib/Signal/Group/sender-key-name.js'
import { SenderKeyRecord } from 'baileys/lib/Signal/Group/sender-key-record.js'
import { serve } from './serve.mjs'

const baileys = createRequire(createRequire(import.meta.url).resolve('baileys'))
const { ProtocolAddress, SessionBuilder, SessionCipher, SessionRecord } = baileys('libsignal')

// It talks about every session on stdout, where our answers go.
for (const level of ['log', 'info', 'warn', 'error']) console[level] = () => {}

const bytes = text => Buffer.from(text, 'base64')
const pair = key => ({ pubKey: bytes(key.public), privKey: bytes(key.private) })

const storage = input => ({
	loadSession: async id => (input.sessions[id] ? SessionRecord.deserialize(input.sessions[id]) : undefined),
	storeSession: async (id, record) => record.serialize(),
	isTrustedIdentity: async () => true,
	loadPreKey: async id => input.preKeys[id] && pair(input.preKeys[id]),
	removePreKey: async () => {},
	loadSignedPreKey: async () => pair(input.signedPreKey),
	getOurRegistrationId: async () => input.registrationId,
	getOurIdentity: async () => pair(input.identity)
})

const address = text => new ProtocolAddress(...text.split('.').map((part, n) => (n ? Number(part) : part)))

const group = input => {
	const store = {
		loadSenderKey: async () => SenderKeyRecord.deserialize(bytes(input.record.data)),
		storeSenderKey: async (name, record) => Buffer.from(JSON.stringify(record.serialize()), 'utf-8')
	}
	return new GroupCipher(store, new SenderKeyName(input.group, { id: 'x', deviceId: 0, toString: () => 'x.0' }))
}

await serve({
	encrypt: input => {
		const store = storage(input)
		const plaintext = bytes(input.plaintext)
		const to = input.to.map(address)
		return async () => {
			let last
			for (const one of to) last = await new SessionCipher(store, one).encrypt(plaintext)
			return last.body.toString('base64')
		}
	},
	decrypt: input => {
		const store = storage(input)
		const data = bytes(input.data)
		const from = address(input.from)
		return async () => {
			const cipher = new SessionCipher(store, from)
			const plaintext =
				input.type === 'pkmsg'
					? await cipher.decryptPreKeyWhisperMessage(data)
					: await cipher.decryptWhisperMessage(data)
			return plaintext.toString('base64')
		}
	},
	open: input => {
		const store = storage(input)
		const bundles = Object.entries(input.bundles).map(([to, b]) => [
			address(to),
			{
				registrationId: b.registrationId,
				identityKey: bytes(b.identity),
				signedPreKey: { keyId: b.signedPreKeyId, publicKey: bytes(b.signedPreKey), signature: bytes(b.signature) },
				preKey: { keyId: b.preKeyId, publicKey: bytes(b.preKey) }
			}
		])
		return async () => {
			for (const [to, bundle] of bundles) await new SessionBuilder(store, to).initOutgoing(bundle)
		}
	},
	groupEncrypt: input => {
		const plaintext = bytes(input.plaintext)
		return async () => Buffer.from(await group(input).encrypt(plaintext)).length
	},
	groupDecrypt: input => {
		const data = bytes(input.data)
		return async () => Buffer.from(await group(input).decrypt(data)).toString('base64')
	}
})
