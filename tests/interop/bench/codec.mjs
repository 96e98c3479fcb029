// Baileys' binary node codec and its half of the Noise handshake, as its socket calls them.
import { Curve, NOISE_WA_HEADER, decodeBinaryNode, encodeBinaryNode, makeNoiseHandler, proto } from 'baileys'
import { serve } from './serve.mjs'

const revive = node => ({
	tag: node.tag,
	attrs: node.attrs,
	content: Array.isArray(node.content)
		? node.content.map(revive)
		: node.content?.hex !== undefined
			? Buffer.from(node.content.hex, 'hex')
			: (node.content ?? undefined)
})

const logger = { level: 'silent', child: () => logger, trace: () => {} }
const pair = keys => ({ private: Buffer.from(keys.private, 'hex'), public: Buffer.from(keys.public, 'hex') })
const { HandshakeMessage } = proto

await serve({
	encode: input => {
		const node = revive(input)
		return () => encodeBinaryNode(node)
	},
	encoded: input => () => encodeBinaryNode(revive(input)).toString('hex'),
	// A client's whole part: an ephemeral pair (here a given one, after one was made), hello, the server's proof, finish.
	handshake: input => {
		const [ephemeral, noiseKey] = [pair(input.ephemeral), pair(input.static)]
		const [answer, payload] = [Buffer.from(input.answer, 'hex'), Buffer.from(input.payload, 'hex')]
		return async () => {
			Curve.generateKeyPair()
			const noise = makeNoiseHandler({ keyPair: ephemeral, NOISE_HEADER: NOISE_WA_HEADER, logger })
			const hello = HandshakeMessage.encode({ clientHello: { ephemeral: ephemeral.public } }).finish()
			noise.encodeFrame(hello)
			const key = noise.processHandshake(HandshakeMessage.decode(answer), noiseKey)
			const finish = { clientFinish: { static: key, payload: noise.encrypt(payload) } }
			const data = HandshakeMessage.encode(finish).finish()
			noise.encodeFrame(data)
			await noise.finishInit()
			return Buffer.from(data).toString('hex')
		}
	},
	decode: input => {
		const data = Buffer.from(input, 'hex')
		return () => decodeBinaryNode(data)
	}
})
