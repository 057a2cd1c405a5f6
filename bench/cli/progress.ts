// What a user sees while it works, on standard error: a live line on a terminal, plain lines elsewhere.
import { createLogUpdate } from 'log-update'
import pc from 'picocolors'

/** Told by the stages of a run what they do. */
export interface Progress {
  /** A new step begins; what was live before is done. */
  step(text: string): void
  /** How the step stands, told as often as one likes. */
  live(text: string): void
  /** A line that stays. */
  note(text: string): void
  end(): void
  /** The present step failed; an error follows. */
  fail(): void
}

const PLAIN_LIVE_EVERY_MS = 5000
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

function seconds(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`
}

/** For a pipe or a file: one line a step, and one every few seconds while it lasts. */
function plainProgress(write: (line: string) => void): Progress {
  let current = ''
  let toldMs = 0
  return {
    step(text) {
      current = text
      toldMs = performance.now()
      write(`${text}\n`)
    },
    live(text) {
      if (performance.now() - toldMs < PLAIN_LIVE_EVERY_MS) return
      toldMs = performance.now()
      write(`${current}: ${text}\n`)
    },
    note: (text) => write(`${text}\n`),
    end: () => undefined,
    fail: () => undefined,
  }
}

/** For a terminal: finished steps stay with their time, the present one is redrawn in place. */
function liveProgress(stream: NodeJS.WriteStream): Progress {
  const draw = createLogUpdate(stream)
  let current: { text: string; sinceMs: number; live: string } | undefined
  let frame = 0
  const render = () => {
    if (current === undefined) return
    const { text, sinceMs, live } = current
    draw(
      `${pc.cyan(SPINNER[frame++ % SPINNER.length])} ${text} ${pc.dim(`${seconds(sinceMs)}${live === '' ? '' : ` · ${live}`}`)}`,
    )
  }
  const timer = setInterval(render, 120)
  timer.unref()
  const finish = (mark: string) => {
    if (current === undefined) return
    draw(`${mark} ${current.text} ${pc.dim(seconds(current.sinceMs))}`)
    draw.done()
    current = undefined
  }
  return {
    step(text) {
      finish(pc.green('✓'))
      current = { text, sinceMs: performance.now(), live: '' }
      render()
    },
    live(text) {
      if (current !== undefined) current.live = text
    },
    note(text) {
      draw.clear()
      stream.write(`${text}\n`)
      render()
    },
    end() {
      finish(pc.green('✓'))
      clearInterval(timer)
    },
    fail() {
      finish(pc.red('✗'))
      clearInterval(timer)
    },
  }
}

/** The progress for this process's standard error. */
export function progressFor(stream: NodeJS.WriteStream): Progress {
  return stream.isTTY && process.env['CI'] === undefined
    ? liveProgress(stream)
    : plainProgress((line) => stream.write(line))
}
