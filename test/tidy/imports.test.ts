import { describe, expect, it } from '@jest/globals';
import { posix } from 'node:path';
import { importsOf, read, sourcesIn, type Finding, type Source } from './sources.js';

const wings = ['membership', 'transport', 'discovery'];

/** The words that every wing may use. The clock and the logger are here by ADR 6. */
const sharedWords = ['address', 'clock', 'errors', 'logger', 'node-id', 'throttled-log'].map(
  (word) => `src/${word}.ts`,
);

/** What nobody imports: they exist for users. */
const entries = ['index', 'core', 'microservices', 'terminus', 'testing'].map((name) => `src/${name}.ts`);

/** Parts of the Nest face that an entry of their own shows: nobody else imports them, so that what they need is optional. */
const subpaths = ['microservices', 'terminus', 'testing'];

/** Packages that need not be installed, and where alone they are imported. */
const optional: Readonly<Record<string, string>> = {
  '@nestjs/microservices': 'src/nestjs/microservices/',
  '@nestjs/terminus': 'src/nestjs/terminus/',
  '@opentelemetry/api': 'src/cluster/tracing/',
};

/** Not an implementation but what all of them share: delivery, for any kind of link. */
const sharedInWing = 'transport/session';

/** The top folder under src/, or the file's own path for a file directly in it. */
function layerOf(path: string): string {
  const parts = path.split('/');
  return parts.length > 2 ? parts[1]! : path;
}

/** `transport/tcp` for a file in there; undefined for a wing's contract and for other folders. */
function implementationOf(path: string): string | undefined {
  const parts = path.split('/');
  return wings.includes(parts[1]!) && parts.length > 3 ? `${parts[1]}/${parts[2]}` : undefined;
}

/** `testing` for a file under src/nestjs/testing/. */
function subpathOf(path: string): string | undefined {
  return subpaths.find((name) => path.startsWith(`src/nestjs/${name}/`));
}

/** Why `from` may not import `to`, or undefined when it may. Both are paths of files under src/. */
function objection(from: string, to: string): string | undefined {
  const layer = layerOf(from);
  const target = layerOf(to);
  if (entries.includes(to)) {
    return from === 'src/index.ts' ? undefined : 'an entry point is imported by users only';
  }
  if (sharedWords.includes(from))
    return sharedWords.includes(to) ? undefined : 'a shared word knows shared words only';
  if (sharedWords.includes(to)) return undefined;
  const subpath = subpathOf(to);
  if (subpath !== undefined && from !== `src/${subpath}.ts` && subpathOf(from) !== subpath)
    return `src/nestjs/${subpath}/ is shown by clusterpack/${subpath} alone`;
  if (subpath !== undefined) return undefined;
  if (from === 'src/index.ts')
    return target === 'simulation' ? 'what is for tests is in clusterpack/testing' : undefined;
  if (from === 'src/core.ts' && target === 'simulation') return 'what is for tests is in clusterpack/testing';
  if (entries.includes(from)) return target === 'nestjs' ? `${from} is free of Nest` : undefined;
  if (layer === target) {
    return wings.includes(layer) ? insideWing(from, to) : undefined;
  }

  const reach: Readonly<Record<string, readonly string[]>> = {
    nestjs: ['cluster', ...wings],
    cluster: wings,
    simulation: ['cluster', ...wings],
    cli: ['cluster', 'transport'],
  };
  if (reach[layer]?.includes(target)) return undefined;
  // A Nest test advances virtual time; nothing else of the Nest face knows the simulator.
  if (from.startsWith('src/nestjs/testing/') && target === 'simulation') return undefined;
  return `${layer} does not know ${target}`;
}

function insideWing(from: string, to: string): string | undefined {
  const mine = implementationOf(from);
  const theirs = implementationOf(to);
  if (theirs === undefined || theirs === sharedInWing || mine === theirs) return undefined;
  return mine === undefined
    ? 'a contract does not know its implementations'
    : 'an implementation imports its contract, never another one';
}

/** Imports run one way (design.md, "The house"), and name files as they are emitted. */
function wrongDirections(sources: readonly Source[]): readonly Finding[] {
  return sources.flatMap((source) =>
    importsOf(source).flatMap(({ specifier, line }) => {
      if (!specifier.startsWith('.')) return [];
      const to = posix.join(posix.dirname(source.path), specifier).replace(/\.js$/, '.ts');
      const why = objection(source.path, to);
      return why === undefined ? [] : [`${source.path}:${line} imports ${specifier}: ${why}`];
    }),
  );
}

/** Only `nestjs/` may know Nest. */
function nestOutsideItsFolder(sources: readonly Source[]): readonly Finding[] {
  return sources.flatMap((source) =>
    source.path.startsWith('src/nestjs/')
      ? []
      : importsOf(source)
          .filter(({ specifier }) => specifier.startsWith('@nestjs/'))
          .map(({ specifier, line }) => `${source.path}:${line} imports ${specifier} outside src/nestjs/`),
  );
}

/** A package that need not be installed must not be needed by anything else. */
function optionalElsewhere(sources: readonly Source[]): readonly Finding[] {
  return sources.flatMap((source) =>
    importsOf(source)
      .filter(({ specifier }) => {
        const home = Object.entries(optional).find(([name]) => `${specifier}/`.startsWith(`${name}/`))?.[1];
        return home !== undefined && !source.path.startsWith(home);
      })
      .map(
        ({ specifier, line }) => `${source.path}:${line} imports ${specifier}, which need not be installed`,
      ),
  );
}

/** A relative import must name the emitted file, or Node does not find it. */
function withoutExtension(sources: readonly Source[]): readonly Finding[] {
  return sources.flatMap((source) =>
    importsOf(source)
      .filter(({ specifier }) => specifier.startsWith('.') && !/\.(js|mjs|json)$/.test(specifier))
      .map(({ specifier, line }) => `${source.path}:${line} imports ${specifier} without .js`),
  );
}

/** Users get our dependencies and their own peers, nothing of our development tree. */
function undeclaredPackages(sources: readonly Source[], declared: readonly string[]): readonly Finding[] {
  return sources.flatMap((source) =>
    importsOf(source).flatMap(({ specifier, line }) => {
      if (specifier.startsWith('.') || specifier.startsWith('node:')) return [];
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      return declared.includes(name)
        ? []
        : [`${source.path}:${line} imports ${name}, which package.json does not declare`];
    }),
  );
}

const src = sourcesIn('src');

function source(path: string, text: string): Source {
  return { path, text };
}

describe('imports run one way', () => {
  it('in the whole tree', () => {
    expect(wrongDirections(src)).toEqual([]);
  });

  it.each([
    ['src/membership/swim/swim.ts', '../../transport/transport.js'],
    ['src/transport/tcp/tcp.ts', '../../membership/membership.js'],
    ['src/discovery/static.ts', '../cluster/node.js'],
    ['src/transport/tcp/tcp.ts', '../memory/memory.js'],
    ['src/transport/session/session.ts', '../tcp/tcp.js'],
    ['src/transport/transport.ts', './tcp/tcp.js'],
    ['src/cluster/node.ts', '../nestjs/cluster.module.js'],
    ['src/cluster/node.ts', '../simulation/clock.js'],
    ['src/simulation/run.ts', '../nestjs/cluster.module.js'],
    ['src/nestjs/cluster.module.ts', '../simulation/clock.js'],
    ['src/errors.ts', './cluster/node.js'],
    ['src/core.ts', './nestjs/cluster.module.js'],
    ['src/core.ts', './nestjs/testing/isolated.js'],
    ['src/core.ts', './simulation/simulate.js'],
    ['src/index.ts', './simulation/simulate.js'],
    ['src/index.ts', './nestjs/testing/isolated.js'],
    ['src/testing.ts', './nestjs/cluster.module.js'],
    ['src/nestjs/cluster.module.ts', './testing/isolated.js'],
    ['src/nestjs/cluster.module.ts', './microservices/cluster-server.js'],
    ['src/nestjs/terminus/indicator.ts', '../microservices/cluster-server.js'],
    ['src/index.ts', './nestjs/terminus/indicator.js'],
    ['src/terminus.ts', './nestjs/cluster.module.js'],
    ['src/microservices.ts', './nestjs/terminus/indicator.js'],
    ['src/simulation/run.ts', '../nestjs/testing/isolated.js'],
    ['src/cluster/node.ts', '../core.js'],
    ['src/cli/main.ts', '../nestjs/cluster.module.js'],
    ['src/cli/main.ts', '../membership/membership.js'],
    ['src/cluster/node.ts', '../cli/main.js'],
  ])('and %s importing %s is found', (path, specifier) => {
    expect(wrongDirections([source(path, `import { x } from '${specifier}';`)])).toHaveLength(1);
  });

  it.each([
    ['src/transport/tcp/tcp.ts', '../session/session.js'],
    ['src/transport/memory/memory.ts', '../session/session.js'],
    ['src/membership/swim/swim.ts', '../protocol.js'],
    ['src/nestjs/explorer.ts', '../membership/membership.js'],
    ['src/simulation/run.ts', '../membership/swim/swim.js'],
    ['src/nestjs/testing/testing.ts', '../../simulation/clock.js'],
    ['src/nestjs/testing/testing.ts', '../../cluster/node.js'],
    ['src/nestjs/testing/testing.ts', '../tokens.js'],
    ['src/testing.ts', './nestjs/testing/testing.js'],
    ['src/testing.ts', './simulation/simulate.js'],
    ['src/terminus.ts', './nestjs/terminus/indicator.js'],
    ['src/nestjs/microservices/cluster-server.ts', '../membership.service.js'],
    ['src/discovery/discovery.ts', '../address.js'],
    ['src/cli/main.ts', '../transport/tcp/tls/secrets.js'],
    ['src/cli/main.ts', '../cluster/node.js'],
  ])('while %s may import %s', (path, specifier) => {
    expect(wrongDirections([source(path, `export * from '${specifier}';`)])).toEqual([]);
  });
});

describe('only src/nestjs/ imports @nestjs/*', () => {
  it('in the whole tree', () => {
    expect(nestOutsideItsFolder(src)).toEqual([]);
  });

  it('and an import elsewhere is found', () => {
    const bad = source('src/cluster/node.ts', "import { Logger } from '@nestjs/common';");
    expect(nestOutsideItsFolder([bad])).toEqual([
      'src/cluster/node.ts:1 imports @nestjs/common outside src/nestjs/',
    ]);
  });
});

describe('a package that is optional', () => {
  it('is imported in its own folder only', () => {
    expect(optionalElsewhere(src)).toEqual([]);
  });

  it.each(Object.keys(optional))('and %s elsewhere is found', (name) => {
    expect(optionalElsewhere([source('src/nestjs/a.ts', `import { x } from '${name}';`)])).toHaveLength(1);
    expect(optionalElsewhere([source(`${optional[name]}a.ts`, `import { x } from '${name}';`)])).toEqual([]);
  });
});

describe('relative imports end in .js', () => {
  it('in the whole tree', () => {
    expect(withoutExtension(sourcesIn('src', 'test', 'sample-app', 'bench'))).toEqual([]);
  });

  it('and one without is found', () => {
    expect(withoutExtension([source('src/a.ts', "\nexport * from './b';")])).toEqual([
      'src/a.ts:2 imports ./b without .js',
    ]);
  });
});

describe('src/ imports what package.json gives to users', () => {
  const manifest = JSON.parse(read('package.json').text) as Record<
    string,
    Record<string, string> | undefined
  >;
  const declared = Object.keys({ ...manifest['dependencies'], ...manifest['peerDependencies'] });

  it('in the whole tree', () => {
    expect(undeclaredPackages(src, declared)).toEqual([]);
  });

  it('and a development dependency is found', () => {
    expect(undeclaredPackages([source('src/a.ts', "import fc from 'fast-check';")], declared)).toHaveLength(
      1,
    );
  });
});
