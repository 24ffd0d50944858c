// npm `fly-admin` (Supabase) against the emulator: every call of every class, with what comes back checked.
//
//     EMULATOR=http://127.0.0.1:PORT NODE_PATH=.../node_modules node fly_admin.cjs
//
// Prints "ok CALL - what" or "not ok CALL - what => why" for each. Run by tests/clients/run.py.
'use strict'

const assert = require('node:assert/strict')
// The package's createClient() takes a token alone and is fixed to Fly's own address; the class behind it is not.
const { default: Client } = require('fly-admin/dist/client')

const base = process.env.EMULATOR
if (!base) {
  process.stderr.write('EMULATOR is not set; this program is for the emulator alone\n')
  process.exit(2)
}

const APP = 'fly-admin-client'
const CLASSES = ['App', 'Machine', 'Network', 'Organization', 'Regions', 'Secret', 'Volume']
// Methods that are not called, each with its reason: `{'Class.method': 'reason'}`.
const LEFT_OUT = {}

const client = new Client('any-token', { apiUrl: base, graphqlUrl: base })
const called = new Set()
for (const name of CLASSES) {
  client[name] = new Proxy(client[name], {
    get(target, key) {
      if (typeof target[key] !== 'function') return target[key]
      called.add(`${name}.${key}`)
      return target[key].bind(target)
    },
  })
}
const { App, Machine, Network, Organization, Regions, Secret, Volume } = client

let failed = 0

async function call(name, what, check) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer for 30 seconds')), 30_000)
  })
  try {
    await Promise.race([check(), late])
    process.stdout.write(`ok ${name} - ${what}\n`)
  } catch (error) {
    failed += 1
    const why = String(error.message ?? error).replace(/\s*\n\s*/g, '; ')
    process.stdout.write(`not ok ${name} - ${what} => ${why}\n`)
  } finally {
    clearTimeout(timer)
  }
}

// fly-admin's errors are `STATUS: BODY` for REST and the JSON of `errors` for GraphQL.
async function refused(promise, pattern) {
  await assert.rejects(promise, (error) => {
    assert.match(error.message, pattern)
    return true
  })
}

function config(more = {}) {
  return {
    image: 'nginx',
    env: { COLOUR: 'green' },
    guest: { cpu_kind: 'shared', cpus: 1, memory_mb: 256 },
    restart: { policy: 'no' },
    ...more,
  }
}

async function apps() {
  await call('App.createApp', 'with app_name; the answer has a body', async () => {
    const made = await App.createApp({ app_name: APP, org_slug: 'personal' })
    assert.ok(made.id)
  })
  await call('App.createApp', '422 for a name that is taken', () =>
    refused(App.createApp({ app_name: APP, org_slug: 'personal' }), /^422: .*Name has already been taken/))
  await call('App.listApps', 'counts and lists', async () => {
    const listed = await App.listApps('personal')
    assert.equal(listed.total_apps, listed.apps.length)
    assert.equal(listed.apps.find((one) => one.name === APP).machine_count, 0)
  })
  await call('App.getApp', 'the app', async () => {
    const got = await App.getApp(APP)
    assert.equal(got.name, APP)
    assert.equal(got.status, 'pending')
    assert.equal(got.organization.slug, 'personal')
  })
  await call('App.getApp', '404 that names the app', () =>
    refused(App.getApp('fly-admin-missing'), /^404: .*Could not find App \\"fly-admin-missing\\"/))
}

const machine = { app_name: APP }

async function machines() {
  await call('Machine.createMachine', 'answers with the machine', async () => {
    const made = await Machine.createMachine({ app_name: APP, name: 'first', region: 'fra', config: config() })
    assert.match(made.id, /^[0-9a-f]{14}$/)
    assert.equal(made.state, 'created')
    assert.equal(made.config.env.COLOUR, 'green')
    assert.equal(made.events[0].type, 'launch')
    machine.machine_id = made.id
    machine.version = made.instance_id
  })
  const one = () => ({ app_name: APP, machine_id: machine.machine_id })
  await call('Machine.createMachine', '400 for a bad guest', () =>
    refused(
      Machine.createMachine({ app_name: APP, config: config({ guest: { cpu_kind: 'shared', cpus: 3, memory_mb: 512 } }) }),
      /^400: .*invalid config\.guest\.cpus/))
  await call('Machine.waitMachine', 'a timeout with a unit loses it on the way', async () => {
    const answer = await Machine.waitMachine({ ...one(), instance_id: machine.version, timeout: '60s', state: 'started' })
    assert.equal(answer.ok, true)
  })
  await call('Machine.waitMachine', '408 with the state that it is in', () =>
    refused(Machine.waitMachine({ ...one(), timeout: '1', state: 'stopped' }),
      /^408: .*machine failed to reach desired state, stopped, currently started/))
  await call('Machine.listMachines', 'by name', async () => {
    const listed = await Machine.listMachines(APP)
    assert.deepEqual(listed.map((each) => each.id), [machine.machine_id])
  })
  await call('Machine.listMachines', 'with a query', async () => {
    assert.equal((await Machine.listMachines({ app_name: APP, region: 'ams' })).length, 0)
    assert.equal((await Machine.listMachines({ app_name: APP, region: 'fra', include_deleted: '' })).length, 1)
  })
  await call('Machine.getMachine', 'the machine, started', async () => {
    const got = await Machine.getMachine(one())
    assert.equal(got.state, 'started')
    assert.equal(got.image_ref.repository, 'library/nginx')
    assert.match(got.private_ip, /^fdaa:/)
  })
  await call('Machine.getMachine', '404 for one that is nowhere', () =>
    refused(Machine.getMachine({ app_name: APP, machine_id: '0123456789abcd' }), /^404: .*machine not found/))
  await call('Machine.listProcesses', 'sorted', async () => {
    const found = await Machine.listProcesses({ ...one(), sort_by: 'pid', order: 'desc' })
    assert.ok(found.length > 0)
    assert.ok(found[0].pid >= found[found.length - 1].pid)
    assert.equal(typeof found[0].command, 'string')
  })
  await call('Machine.listEvents', 'newest first', async () => {
    const events = await Machine.listEvents(one())
    assert.deepEqual(events.map((each) => each.type).slice(-1), ['launch'])
    assert.ok(events[0].timestamp >= events[events.length - 1].timestamp)
  })
  await call('Machine.listVersions', 'with the config of each', async () => {
    const versions = await Machine.listVersions(one())
    assert.equal(versions[0].version, machine.version)
    assert.equal(versions[0].user_config.env.COLOUR, 'green')
  })
  await changes(one)
}

async function changes(one) {
  await call('Machine.updateMachine', 'replaces the config whole', async () => {
    const updated = await Machine.updateMachine({ ...one(), config: config({ env: { SHAPE: 'round' } }) })
    assert.notEqual(updated.instance_id, machine.version)
    assert.deepEqual(updated.config.env, { SHAPE: 'round' })
    await Machine.waitMachine({ ...one(), instance_id: updated.instance_id })
  })
  await call('Machine.cordonMachine', 'seen in the machine', async () => {
    assert.equal((await Machine.cordonMachine(one())).ok, true)
    assert.equal((await Machine.getMachine(one())).cordoned, true)
  })
  await call('Machine.uncordonMachine', 'seen in the machine', async () => {
    assert.equal((await Machine.uncordonMachine(one())).ok, true)
    assert.equal((await Machine.getMachine(one())).cordoned, false)
  })
  await call('Machine.restartMachine', 'starts again; its timeout is in the body', async () => {
    assert.equal((await Machine.restartMachine({ ...one(), timeout: '10s' })).ok, true)
    await Machine.waitMachine({ ...one(), state: 'started' })
  })
  await call('Machine.signalMachine', 'a signal that it survives', async () => {
    assert.equal((await Machine.signalMachine({ ...one(), signal: 'SIGHUP' })).ok, true)
    assert.equal((await Machine.getMachine(one())).state, 'started')
  })
  await call('Machine.signalMachine', '400 for no signal', () =>
    refused(Machine.signalMachine({ ...one(), signal: 'SIGNONE' }), /^400: .*signal/))
  await call('Machine.stopMachine', 'SIGTERM unless told otherwise', async () => {
    assert.equal((await Machine.stopMachine(one())).ok, true)
    await Machine.waitMachine({ ...one(), state: 'stopped' })
  })
  await call('Machine.listProcesses', '412 for a machine that is stopped', () =>
    refused(Machine.listProcesses(one()), /^412: .*machine not running/))
  await call('Machine.startMachine', 'says what it was', async () => {
    assert.equal((await Machine.startMachine(one())).previous_state, 'stopped')
    await Machine.waitMachine({ ...one() })
  })
  await call('Machine.getLease', '404 when there is none', () => refused(Machine.getLease(one()), /^404: .*lease not found/))
  await call('Machine.acquireLease', 'with the ttl in the body', async () => {
    const lease = await Machine.acquireLease({ ...one(), ttl: 60, description: 'a test' })
    assert.equal(lease.status, 'success')
    assert.match(lease.data.nonce, /^[0-9a-f]{12}$/)
    assert.equal(lease.data.description, 'a test')
  })
  await call('Machine.getLease', 'the one that is held', async () => {
    const lease = await Machine.getLease(one())
    assert.equal(lease.data.description, 'a test')
    assert.ok(lease.data.expires_at > Date.now() / 1000)
  })
  await call('Machine.acquireLease', '409 with owner and expiry', () =>
    refused(Machine.acquireLease({ ...one(), ttl: 60 }), /^409: .*lease currently held by .*, expires at 20/))
  await call('Machine.deleteMachine', 'force is sent as kill; it waits for the lease to be over', async () => {
    assert.equal((await Machine.deleteMachine({ ...one(), force: true })).ok, true)
    await Machine.waitMachine({ ...one(), state: 'destroyed' })
  })
  await call('Machine.listMachines', 'a destroyed machine is hidden', async () => {
    assert.deepEqual(await Machine.listMachines(APP), [])
  })
}

async function volumes() {
  let volume
  const one = () => ({ app_name: APP, volume_id: volume.id })
  await call('Volume.createVolume', 'answers with the volume', async () => {
    volume = await Volume.createVolume({ app_name: APP, name: 'data', region: 'fra', size_gb: 2 })
    assert.match(volume.id, /^vol_[a-z0-9]{16}$/)
    assert.equal(volume.attached_machine_id, null)
  })
  await call('Volume.createVolume', '400 for a bad name', () =>
    refused(Volume.createVolume({ app_name: APP, name: 'with-dash', region: 'fra' }), /^400: .*name/))
  await call('Volume.getVolume', 'the volume', async () => assert.equal((await Volume.getVolume(one())).size_gb, 2))
  await call('Volume.listVolumes', 'all', async () => {
    assert.deepEqual((await Volume.listVolumes(APP)).map((each) => each.id), [volume.id])
  })
  await call('Volume.extendVolume', 'to a new total', async () => {
    const answer = await Volume.extendVolume({ ...one(), size_gb: 3 })
    assert.equal(answer.volume.size_gb, 3)
    assert.equal(answer.needs_restart, false)
  })
  await call('Volume.extendVolume', '400 for less', () =>
    refused(Volume.extendVolume({ ...one(), size_gb: 1 }), /^400: .*size_gb/))
  await call('Volume.listSnapshots', 'none yet', async () => assert.deepEqual(await Volume.listSnapshots(one()), []))
  await call('Volume.deleteVolume', 'stays listed for a day', async () => {
    assert.equal((await Volume.deleteVolume(one())).state, 'pending_destroy')
    assert.equal((await Volume.listVolumes(APP))[0].state, 'pending_destroy')
  })
}

async function graphql() {
  await call('App.getAppDetailed', 'GraphQL: the app with its addresses', async () => {
    const got = await App.getAppDetailed(APP)
    assert.equal(got.name, APP)
    assert.equal(typeof got.status, 'string')
    assert.equal(got.organization.slug, 'personal')
    assert.deepEqual(got.ipAddresses, [])
  })
  await call('App.getAppDetailed', 'GraphQL: errors for an app that is nowhere', () =>
    refused(App.getAppDetailed('fly-admin-missing'), /^\[\{.*"message":"Could not find App/))
  let address
  await call('Network.allocateIpAddress', 'GraphQL: an address', async () => {
    const { allocateIpAddress } = await Network.allocateIpAddress({ appId: APP, type: 'v6' })
    address = allocateIpAddress.ipAddress
    assert.equal(address.type, 'v6')
    assert.match(address.address, /:/)
    assert.ok(address.id && address.createdAt)
    const { ipAddresses } = await App.getAppDetailed(APP)
    assert.deepEqual(ipAddresses.map((each) => each.address), [address.address])
  })
  await call('Network.releaseIpAddress', 'GraphQL: by address', async () => {
    const { releaseIpAddress } = await Network.releaseIpAddress({ appId: APP, ip: address.address })
    assert.equal(releaseIpAddress.app.name, APP)
    assert.deepEqual((await App.getAppDetailed(APP)).ipAddresses, [])
  })
  await call('Organization.getOrganization', 'GraphQL: the organisation', async () => {
    const { organization } = await Organization.getOrganization('personal')
    assert.equal(organization.slug, 'personal')
    assert.equal(organization.type, 'PERSONAL')
    assert.ok(organization.id && organization.name && organization.viewerRole)
  })
  await call('Regions.getRegions', 'GraphQL: the regions', async () => {
    const { platform } = await Regions.getRegions()
    assert.equal(platform.requestRegion, 'fra')
    const fra = platform.regions.find((each) => each.code === 'fra')
    assert.deepEqual([fra.gatewayAvailable, fra.requiresPaidPlan, typeof fra.latitude], [true, false, 'number'])
  })
  await call('Secret.setSecrets', 'GraphQL: without machines there is no release', async () => {
    const { setSecrets } = await Secret.setSecrets({ appId: APP, secrets: [{ key: 'TOKEN', value: 's3cret' }] })
    assert.ok('release' in setSecrets)
    const { secrets } = await client.restOrThrow(`apps/${APP}/secrets`)
    assert.deepEqual(secrets.map((each) => each.name), ['TOKEN'])
  })
  await call('Secret.unsetSecrets', 'GraphQL: gone from REST too', async () => {
    const { unsetSecrets } = await Secret.unsetSecrets({ appId: APP, keys: ['TOKEN'] })
    assert.ok('release' in unsetSecrets)
    assert.deepEqual((await client.restOrThrow(`apps/${APP}/secrets`)).secrets, [])
  })
}

async function rest() {
  await call('App.deleteApp', '202 without a body', async () => {
    assert.equal(await App.deleteApp(APP), undefined)
    await refused(App.getApp(APP), /^404: /)
  })
  await call('App.listApps', '401 for a token that has expired', async () => {
    const expired = new Client('fm2_emulator_expired', { apiUrl: base, graphqlUrl: base })
    await refused(expired.Machine.listMachines('catvet-records'), /^401: .*Authenticate: token validation error/)
  })
  await call('(methods)', `${called.size} methods called`, async () => {
    const there = CLASSES.flatMap((name) => {
      const prototype = Object.getPrototypeOf(client[name])
      return Object.getOwnPropertyNames(prototype).filter((key) => key !== 'constructor').map((key) => `${name}.${key}`)
    })
    // A method that an upgrade adds has to be called too, or be left out with a reason.
    assert.deepEqual(there.filter((name) => !called.has(name) && !(name in LEFT_OUT)), [])
    assert.deepEqual(Object.keys(LEFT_OUT).filter((name) => called.has(name) || !there.includes(name)), [])
    const classes = Object.keys(client).filter((key) => typeof client[key] === 'object')
    assert.deepEqual(classes.sort(), [...CLASSES].sort())
  })
}

async function main() {
  await apps()
  await machines()
  await volumes()
  await graphql()
  await rest()
  process.exitCode = failed > 0 ? 1 : 0
}

main()
