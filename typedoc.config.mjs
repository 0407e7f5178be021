import { readFileSync, readdirSync } from 'node:fs';

const { exports } = JSON.parse(read('package.json'));
const entries = Object.entries(exports).filter(([, target]) => typeof target !== 'string');

/** Chapters in reading order, as the guide's own table has them, then what they refer to. */
const guide = [...read('docs/guide/README.md').matchAll(/^\|[^|]*\]\((?:\.\/)?([\w-]+\.md)\)/gm)];
const documents = [
  'docs/guide/README.md',
  ...guide.map(([, file]) => `docs/guide/${file}`),
  'docs/PROTOCOL.md',
  'docs/LIMITS.md',
  'docs/SIMULATION.md',
  'docs/performance.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...readdirSync(new URL('docs/adr', import.meta.url))
    .filter((file) => !file.startsWith('0000-'))
    .map((file) => `docs/adr/${file}`),
];

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'ClusterPack',
  includeVersion: true,
  entryPoints: entries.map(([, { default: path }]) => path.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts')),
  plugin: [namedForReaders],
  tsconfig: 'tsconfig.build.json',
  projectDocuments: documents,
  out: 'temp/docs',
  disableSources: true,
  excludeInternal: true,
  excludePrivate: true,
  // What an own check of a simulation sees of its inside is there to be looked at, and may change with it.
  intentionallyNotExported: [
    'src/membership/protocol.ts:KnownPeer',
    'src/membership/protocol.ts:LinkEvidence',
    'src/membership/protocol.ts:MembershipProtocol',
    'src/membership/protocol.ts:Peer',
    'src/membership/protocol.ts:ProtocolCodec',
    'src/membership/protocol.ts:ProtocolNotice',
    'src/membership/protocol.ts:ProtocolSendOptions',
    'src/membership/protocol.ts:ProtocolTimer',
    'src/membership/protocol.ts:TraceEvent',
    'src/membership/swim/messages.ts:SwimMessage',
    'src/simulation/clock/virtual-clock.ts:Happening',
    'src/simulation/nodes/process.ts:Process',
    'src/simulation/simulated-node.ts:ProtocolFactory',
    'src/simulation/simulated-node.ts:SimulatedNode',
    'src/simulation/trace/journal.ts:Journal',
    'src/transport/link.ts:Links',
    'src/transport/memory/memory-network.ts:MemoryNetwork',
    'src/transport/session-transport.ts:SessionTransport',
    'src/transport/session/limits.ts:TransportLimits',
  ],
  validation: { notExported: true, invalidLink: true, invalidPath: true, rewrittenLink: true },
  treatWarningsAsErrors: true,
};

/** Modules are called what users import (`clusterpack/core`, not `core`), and documents what their first line says. */
function namedForReaders(app) {
  app.converter.on('resolveBegin', ({ project }) => {
    for (const module of project.children ?? []) {
      const entry = entries.find(([, { default: path }]) => path === `./dist/${module.name}.js`);
      if (entry) module.name = `clusterpack${entry[0].slice(1)}`;
    }
    for (const document of project.documents ?? []) {
      document.name = /^# (.*)$/m.exec(document.content[0].text)?.[1].replaceAll('`', '') ?? document.name;
    }
  });
}

function read(path) {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}
