// A peer's side of a measurement: one JSON request a line on stdin, one JSON answer a line on stdout.
// `tasks[name](input)` gives the function to time, sync or async; its last result goes back as `result`.
import { createInterface } from 'node:readline'

async function rate(run, seconds) {
	const asynchronous = run() instanceof Promise
	const clock = () => Number(process.hrtime.bigint()) / 1e9
	let calls = 0
	let batch = 1
	const start = clock()
	let end = start
	while (end - start < seconds) {
		if (asynchronous) for (let i = 0; i < batch; i++) await run()
		else for (let i = 0; i < batch; i++) run()
		calls += batch
		end = clock()
		// Few looks at the clock, yet no long overrun.
		if (end - start < seconds / 20) batch *= 2
	}
	return calls / (end - start)
}

export async function serve(tasks) {
	for await (const line of createInterface({ input: process.stdin })) {
		const { task, input, seconds } = JSON.parse(line)
		let answer
		try {
			const run = await tasks[task](input)
			answer = seconds ? { value: await rate(run, seconds) } : { result: await run() }
		} catch (error) {
			answer = { error: String(error.stack ?? error) }
		}
		process.stdout.write(JSON.stringify(answer) + '\n')
	}
}
