// Colours where they help and are wanted: NO_COLOR and output that is no terminal turn them off.
import pc from 'picocolors'

export interface Colors {
  strong(text: string): string
  faint(text: string): string
  good(text: string): string
  bad(text: string): string
  doubtful(text: string): string
}

/** The colours for one output stream. */
export function colorsFor(output: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Colors {
  const wanted = output.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  const { bold, dim, green, red, yellow } = pc.createColors(wanted)
  return { strong: bold, faint: dim, good: green, bad: red, doubtful: yellow }
}
