import { describe, expect, it } from '@jest/globals';
import { lineAt, read, repositoryFiles, type Finding, type Source } from './sources.js';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly resolved?: string }>>;
}

// Assembled, so that this file does not break its own rule.
const machinePath = new RegExp(['(?<![\\w.~-])/(?:', 'work|root|Users', ')/[\\w.]'].join(''));
const registryHost = new RegExp(
  ['https?://(?:[\\w.-]*\\b', 'registry', '\\b[\\w.-]*|[\\w.-]+:4873)'].join(''),
);

/** What is true on one machine only does not belong into the repository. */
function traitsOfOneMachine(source: Source): readonly Finding[] {
  return [
    { pattern: machinePath, what: 'a path of one machine' },
    { pattern: registryHost, what: 'the host of a registry' },
  ].flatMap(({ pattern, what }) => {
    const match = pattern.exec(source.text);
    return match === null
      ? []
      : [`${source.path}:${lineAt(source.text, match.index)} has ${what}: ${match[0]}`];
  });
}

/** npm takes an older version in silence where a range allows it: only one version is the tried one. */
function inexactVersions(manifest: Manifest): readonly Finding[] {
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter(([, version]) => !/^(npm:(@[\w-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json:1 wants ${name}@${version}: give one exact version`);
}

/** The lock file works against any registry, and leaves msgpackr's native part out. */
function lockTroubles(lock: Lock): readonly Finding[] {
  return Object.entries(lock.packages).flatMap(([path, entry]) => [
    ...(entry.resolved?.includes('://') ? [`package-lock.json:1 resolves ${path} at ${entry.resolved}`] : []),
    ...(path.includes('msgpackr-extract') ? [`package-lock.json:1 has ${path}; run npm run lock`] : []),
  ]);
}

interface DependencyManifest {
  readonly type?: string;
  readonly main?: string;
  readonly exports?: unknown;
}

/** In a Nest 11 Jest our dependencies are loaded as CommonJS, and nothing transforms them (ADR 5). */
function esmOnly(name: string, manifest: DependencyManifest): readonly Finding[] {
  const offersRequire = JSON.stringify(manifest.exports ?? {}).includes('"require":');
  return manifest.type === 'module' && !offersRequire
    ? [`package.json:1 depends on ${name}, which cannot be loaded as CommonJS`]
    : [];
}

const textFiles = repositoryFiles().filter(
  (path) => !/\.(png|jpg|gif|ico|woff2?|gz|tgz|pem|der)$/.test(path),
);

describe('the repository is the same on every machine', () => {
  it('has no path of one machine and no host of a registry', () => {
    expect(textFiles.map(read).flatMap(traitsOfOneMachine)).toEqual([]);
  });

  it.each([
    ['/', 'work', '/main/src'],
    ['see /', 'root', '/.npmrc'],
    ['https://', 'registry', '.example.org/x'],
    ['http://localhost', ':', '4873/msgpackr'],
  ])('and %s%s%s is found', (...parts) => {
    expect(traitsOfOneMachine({ path: 'README.md', text: parts.join('') })).toHaveLength(1);
  });

  it('wants exact versions', () => {
    expect(inexactVersions(JSON.parse(read('package.json').text) as Manifest)).toEqual([]);
  });

  it.each(['^1.0.0', '~1.0.0', '1.x', '*', 'latest', '>=1.0.0', 'npm:typescript@7'])(
    'and %s is found',
    (version) => {
      expect(inexactVersions({ dependencies: { a: version } })).toHaveLength(1);
    },
  );

  it('has runtime dependencies that load as CommonJS', () => {
    const { dependencies = {} } = JSON.parse(read('package.json').text) as Manifest;
    const findings = Object.keys(dependencies).flatMap((name) =>
      esmOnly(name, JSON.parse(read(`node_modules/${name}/package.json`).text) as DependencyManifest),
    );
    expect(findings).toEqual([]);
  });

  it('and one that is ESM only is found', () => {
    expect(esmOnly('a', { type: 'module', exports: { '.': { import: './a.js' } } })).toHaveLength(1);
    expect(
      esmOnly('a', { type: 'module', exports: { '.': { import: './a.js', require: './a.cjs' } } }),
    ).toEqual([]);
  });

  it('has a lock file that names no host and no native msgpackr', () => {
    expect(lockTroubles(JSON.parse(read('package-lock.json').text) as Lock)).toEqual([]);
  });

  it('and a lock file that does is found', () => {
    const packages = {
      'node_modules/a': { resolved: 'https://example.org/a.tgz' },
      'node_modules/msgpackr-extract': {},
    };
    expect(lockTroubles({ packages })).toHaveLength(2);
  });
});
