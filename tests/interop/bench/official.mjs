// The official library (Rust below). It opens no sessions of version 3 any more, but works on those that it is given;
// sender keys have another format there, so it makes its own.
import { randomUUID } from 'node:crypto'
import * as signal from '@signalapp/libsignal-client'
import { serve } from './serve.mjs'

const bytes = text => Buffer.from(text, 'base64')
const here = signal.ProtocolAddress.new('here', 1)

class Sessions extends signal.SessionStore {
	constructor(sessions) {
		super()
		this.sessions = sessions
	}
	async getSession(name) {
		return signal.SessionRecord.deserialize(this.sessions[name.name()])
	}
	async saveSession(name, record) {
		record.serialize()
	}
	async getExistingSessions() {
		return []
	}
}

class Identities extends signal.IdentityKeyStore {
	constructor(input) {
		super()
		this.key = signal.PrivateKey.deserialize(bytes(input.identity.private))
		this.id = input.registrationId
	}
	async getIdentityKey() {
		return this.key
	}
	async getLocalRegistrationId() {
		return this.id
	}
	async saveIdentity() {
		return signal.IdentityChange.NewOrUnchanged
	}
	async isTrustedIdentity() {
		return true
	}
	async getIdentity() {
		return null
	}
}

class SenderKeys extends signal.SenderKeyStore {
	async saveSenderKey(sender, id, record) {
		const raw = record.serialize()
		if (!this.frozen) this.record = raw
	}
	async getSenderKey() {
		return this.record ? signal.SenderKeyRecord.deserialize(this.record) : null
	}
}

const stores = input => [
	new Sessions(Object.fromEntries(Object.entries(input.sessions).map(([name, raw]) => [name, bytes(raw)]))),
	new Identities(input)
]

const group = async plaintext => {
	const [writer, reader, id] = [new SenderKeys(), new SenderKeys(), randomUUID()]
	const told = await signal.SenderKeyDistributionMessage.create(here, id, writer)
	await signal.processSenderKeyDistributionMessage(here, told, reader)
	const data = (await signal.groupEncrypt(here, id, writer, plaintext)).serialize()
	writer.frozen = reader.frozen = true
	return { writer, reader, id, data }
}

await serve({
	encrypt: input => {
		const [sessions, identities] = stores(input)
		const plaintext = bytes(input.plaintext)
		const to = input.to.map(name => signal.ProtocolAddress.new(name, 1))
		return async () => {
			let last
			for (const one of to) last = await signal.signalEncrypt(plaintext, one, here, sessions, identities)
			return Buffer.from(last.serialize()).toString('base64')
		}
	},
	decrypt: input => {
		const [sessions, identities] = stores(input)
		const data = bytes(input.data)
		const from = signal.ProtocolAddress.new(input.from, 1)
		return async () => {
			const message = signal.SignalMessage.deserialize(data)
			const plaintext = await signal.signalDecrypt(message, from, here, sessions, identities)
			return Buffer.from(plaintext).toString('base64')
		}
	},
	groupEncrypt: async input => {
		const plaintext = bytes(input.plaintext)
		const { writer, id } = await group(plaintext)
		return async () => (await signal.groupEncrypt(here, id, writer, plaintext)).serialize().length
	},
	groupDecrypt: async input => {
		const { reader, data } = await group(bytes(input.plaintext))
		return async () => Buffer.from(await signal.groupDecrypt(here, reader, data)).toString('base64')
	}
})
