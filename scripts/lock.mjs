// Finishes package-lock.json after `npm install`; run it as `npm run lock`.
//
// 1. msgpackr's optional native part is taken out: it has an install script, and msgpackr needs none of it.
// 2. npm drops from the lock file the optional packages that the registry at hand does not serve (a mirror
//    that has only Linux binaries, say), and `npm ci` then refuses the file that `npm install` has just
//    written. Their entries are put back, so that one file works on every platform and against any registry.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const packages = lock.packages;

delete packages['node_modules/msgpackr'].optionalDependencies;
for (const native of ['msgpackr-extract', 'node-gyp-build-optional-packages', '@msgpackr-extract/']) {
  for (const path of Object.keys(packages)) {
    if (path.startsWith(`node_modules/${native}`)) delete packages[path];
  }
}

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64'];

/** What `name` runs on, read from its name: these families all end in `<os>-<cpu>[-<abi>]`. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) throw new Error(`cannot tell the platform of ${name}`);
  const libc = words.includes('musl')
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : [];
  return { cpu: [cpu], ...(os === 'linux' && libc.length > 0 ? { libc } : {}), os: [os] };
}

/** Whether a package installed at `path` finds `name` in a node_modules folder on its way up. */
function resolves(path, name) {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('/node_modules/'))) {
    if (packages[`${at}/node_modules/${name}`] !== undefined) return true;
    if (!at.includes('/node_modules/')) return packages[`node_modules/${name}`] !== undefined;
  }
}

const added = [];
for (const [path, entry] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (resolves(path, name)) continue;
    if (!/^\d+\.\d+\.\d+$/.test(version))
      throw new Error(`${path} wants ${name}@${version}: not one version`);
    packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      dev: true,
      license: entry.license,
      optional: true,
    };
    added.push(name);
  }
}

lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`package-lock.json: ${added.length} platform packages put back, no native msgpackr\n`);
