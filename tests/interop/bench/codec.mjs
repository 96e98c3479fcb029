// Baileys' binary node codec, as its socket calls it.
import { decodeBinaryNode, encodeBinaryNode } from 'baileys'
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

await serve({
	encode: input => {
		const node = revive(input)
		return () => encodeBinaryNode(node)
	},
	encoded: input => () => encodeBinaryNode(revive(input)).toString('hex'),
	decode: input => {
		const data = Buffer.from(input, 'hex')
		return () => decodeBinaryNode(data)
	}
})
