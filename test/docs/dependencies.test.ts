import { describe, expect, it } from '@jest/globals';
import { read } from '../tidy/sources.js';

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
}

type Lock = Readonly<Record<string, LockedPackage>>;

const { dependencies } = JSON.parse(read('package.json').text) as {
  dependencies: Readonly<Record<string, string>>;
};

/** Rows of the table under "Dependencies" in README: the package and its reason. */
function listed(): (readonly [name: string, reason: string])[] {
  const section = read('README.md')
    .text.split(/^## /m)
    .find((each) => each.startsWith('Dependencies\n'));
  return [...(section ?? '').matchAll(/^\| \[`([^`]+)`\]\([^)]+\) *\| *([^|]*?) *\|$/gm)].map(
    (match) => [match[1]!, match[2]!] as const,
  );
}

/** Paths of what a user gets with us, ours included. */
function inProduction(lock: Lock): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [''];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    found.add(path);
    const entry = lock[path]!;
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      const at = locate(lock, path, name);
      if (at !== undefined) waiting.push(at);
    }
  }
  return found;
}

/** Where Node finds a package from another; undefined for an optional one that is not there. */
function locate(lock: Lock, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder}${folder === '' ? '' : '/'}node_modules/${name}`;
    if (lock[path] !== undefined) return path;
    if (folder === '') return undefined;
  }
}

function withInstallScript(lock: Lock): string[] {
  return [...inProduction(lock)].filter((path) => lock[path]!.hasInstallScript === true);
}

describe('production dependencies', () => {
  const { packages } = JSON.parse(read('package-lock.json').text) as { packages: Lock };

  it('are listed in README, each with a reason, and no other is', () => {
    expect(
      listed()
        .map(([name]) => name)
        .toSorted(),
    ).toEqual(Object.keys(dependencies).toSorted());
    for (const [name, reason] of listed())
      expect([name, reason]).toEqual([name, expect.stringMatching(/\w+ \w+ \w+/)]);
  });

  it('run no install script, those that they bring along included', () => {
    expect(inProduction(packages).size).toBeGreaterThanOrEqual(1 + Object.keys(dependencies).length);
    expect(withInstallScript(packages)).toEqual([]);
  });

  it('and one that does is found, also below another, while one of development is free', () => {
    const lock: Lock = {
      '': { dependencies: { a: '1.0.0' } },
      'node_modules/a': { optionalDependencies: { b: '1.0.0', gone: '1.0.0' } },
      'node_modules/a/node_modules/b': { hasInstallScript: true },
      'node_modules/dev': { hasInstallScript: true },
    };
    expect(withInstallScript(lock)).toEqual(['node_modules/a/node_modules/b']);
  });
});
