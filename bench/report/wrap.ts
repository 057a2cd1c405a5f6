// Breaks sentences at blanks so that they fit a terminal.

/** A blank to break at: a number keeps its unit, and no line begins with a separator. */
const BREAK = / (?!(?:[%×·]|ms|s|rows\/s)(?![\w/]))/

/** Lines of at most `width` characters, colour codes aside; those after the first are indented once more. */
export function wrapText(text: string, width: number, indent: string): string[] {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(BREAK)) {
    const next = line.trim() === '' ? line + word : `${line} ${word}`
    if (visibleLength(next) > width && line.trim() !== '') {
      lines.push(line)
      line = `${indent}${indent}${word}`
    } else {
      line = next
    }
  }
  return [...lines, line]
}

function visibleLength(text: string): number {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/\x1b\[[0-9;]*m/g, '').length
}
