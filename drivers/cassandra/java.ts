// Finds the programs that the driver needs, without starting any.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { BenchError } from '../../bench/contract/errors.ts'

/** Cassandra 5.0 runs on Java 11 and 17, and on no later one; class-data archives need more than 11. */
const MAJOR = 17
/** Where systems keep their Javas. */
const USUAL_FOLDERS = ['/usr/lib/jvm', '/Library/Java/JavaVirtualMachines']

export interface Java {
  readonly home: string
  /** As the Java itself says, such as 17.0.15. */
  readonly version: string
}

function onPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path))
}

/** The version of a Java from its release file. */
function javaAt(home: string): Java | undefined {
  try {
    const [, version] = /^JAVA_VERSION="([^"]+)"/m.exec(readFileSync(join(home, 'release'), 'utf8')) ?? []
    return version === undefined || !existsSync(join(home, 'bin', 'java')) ? undefined : { home, version }
  } catch {
    return undefined
  }
}

function usualHomes(): readonly string[] {
  return USUAL_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder).flatMap((name) => [join(folder, name), join(folder, name, 'Contents', 'Home')]),
  )
}

/** The Java 17 to run on: `home` where it is given, else the first that is found; a sentence where there is none. */
export function findJava(home: string): Java | string {
  if (home !== '') {
    const java = javaAt(home)
    if (java !== undefined && majorOf(java) === MAJOR) return java
    return `there is no Java ${MAJOR} at cassandra.java=${home}${java === undefined ? '' : `, but ${java.version}`}: give the home of one`
  }
  const program = onPath('java')
  const homes = [
    ...(process.env.JAVA_HOME === undefined ? [] : [process.env.JAVA_HOME]),
    ...(program === undefined ? [] : [dirname(dirname(realpathSync(program)))]),
    ...usualHomes(),
  ]
  const found = homes.flatMap((candidate) => javaAt(candidate) ?? [])
  const fitting = found.find((java) => majorOf(java) === MAJOR)
  if (fitting !== undefined) return fitting
  const others = [...new Set(found.map(({ version }) => version))]
  return `Cassandra needs Java ${MAJOR} and ${others.length === 0 ? 'there is no Java' : `this machine has ${others.join(', ')}`}: install it (Debian: apt-get install openjdk-17-jre-headless), or name one with --set cassandra.java=<its home>`
}

const majorOf = ({ version }: Java): number => Number(version.split('.')[0])

/** The Java to run on. Throws COMPONENT with one sentence where there is none. */
export function requiredJava(home: string): Java {
  const java = findJava(home)
  if (typeof java === 'string') throw new BenchError('COMPONENT', `${java[0].toUpperCase()}${java.slice(1)}.`)
  return java
}

/** The program `mvn`, if there is one. */
export const findMaven = (): string | undefined => onPath('mvn')
