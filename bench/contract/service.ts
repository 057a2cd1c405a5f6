// What runs in a DC, as data. Only bench/deploy turns a Service into a process, signals it, and counts its CPU and I/O.
import type { Address } from './driver.ts'

/** A program and its arguments; `node` stands for the Node that runs the harness. Never a shell string. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A file in the service's folder (mode 0600) before it starts: a text, or a copy of a file of this machine. */
export type ServiceFile = TextFile | { readonly path: string; readonly copyOf: string }

export interface TextFile {
  readonly path: string
  readonly content: string
}

/** A port of a DC by its name. */
export interface PortName {
  readonly dc: string
  readonly port: string
}

/** Where a service was placed, in its own eyes: its folder and ports, and how it reaches services of other DCs (through the link). */
export interface Place {
  /** `container`: programs and libraries are those of the service's image. */
  readonly kind: 'process' | 'container'
  readonly folder: string
  /** Where it has to listen. */
  readonly ports: Readonly<Record<string, Address>>
  reach(dc: string, port: string): Address
  /** The path of a source file of this project. */
  source(module: URL): string
}

/** How a service runs in a container: the same files, set-up and command as everywhere, on the programs of an image. */
export interface Container {
  /** An image of `docker/images.yaml`, by its name there. */
  readonly image: string
  /** Numeric user and group of the image who own the folder and run the command, such as `999:999`. */
  readonly user: string
  /** The service's folder: on a path that the image gives to that user, best one that it declares a volume. */
  readonly folder: string
  /** Other DCs whose network it is in as well: a link joins two. */
  readonly joins?: readonly string[]
}

/** `line`: the service prints a line that starts with this text on standard output. `port`: it accepts connections there. */
export type ReadyCheck =
  | { readonly type: 'line'; readonly starts: string }
  | { readonly type: 'port'; readonly port: string }

export interface Service {
  /** Unique within a run, such as `postgres us-east` or `cdc us-east>eu-west`. */
  readonly name: string
  readonly dc: string
  readonly role: 'store' | 'replication' | 'link'
  /** `deploy`: from the start. `replicate`: after loading, when Admin.replicate() has returned. */
  readonly stage: 'deploy' | 'replicate'
  /** Names of the ports to allocate on loopback; unique within the DC. */
  readonly ports: readonly string[]
  /** Ports of other DCs that it must reach, always through the link. */
  readonly reaches: readonly { readonly dc: string; readonly port: string }[]
  files(place: Place): readonly ServiceFile[]
  /** Run to their end, in order, before the first start (not before a restart). */
  setup(place: Place): readonly Command[]
  command(place: Place): Command
  readonly ready: ReadyCheck
  readonly readyTimeoutMs: number
  /** Sent first when the service is asked to end; SIGKILL follows after `stopTimeoutMs`. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT'
  readonly stopTimeoutMs: number
  /** The program refuses to run as root: run it as an unprivileged user who owns the folder. */
  readonly unprivileged: boolean
  /** A folder of programs that the unprivileged user must be able to read, if any. */
  readonly programFolder?: string
  /** It ends by itself when its standard input closes; others are ended by the guardian. */
  readonly watchesParent: boolean
  /** Absent: it runs as a process of this machine only. */
  readonly container?: Container
}
