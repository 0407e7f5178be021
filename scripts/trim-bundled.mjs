// Runs before `npm pack`: makes the bundled msgpackr what our users should get.
//
// msgpackr lists `msgpackr-extract` (native, with an install script) as an optional dependency. Bundling it
// is not enough: npm adds the missing optional package to the user's tree with the next `npm install` of
// anything else. So the bundled manifest must not name it. The maps, tests and builds that nobody can import
// from a bundled copy go too; they are nine tenths of its size. `npm ci` brings the original back.
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));
const msgpackr = join(modules, 'msgpackr');

const manifestFile = join(msgpackr, 'package.json');
const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'));
delete manifest.optionalDependencies;
for (const subpath of ['./unpack-no-eval', './index-no-eval']) delete manifest.exports?.[subpath];
writeFileSync(manifestFile, `${JSON.stringify(manifest, null, 2)}\n`);

for (const name of readdirSync(join(msgpackr, 'dist'))) {
  if (name !== 'node.cjs') rmSync(join(msgpackr, 'dist', name));
}
for (const name of ['benchmark.md', 'rollup.config.js', 'test-worker.js', 'SECURITY.md']) {
  rmSync(join(msgpackr, name), { force: true });
}

// npm reads dependency edges from this cache when it looks fresh, and would pack what the manifest no longer names.
rmSync(join(modules, '.package-lock.json'), { force: true });

if (!existsSync(join(msgpackr, 'dist', 'node.cjs'))) {
  process.stderr.write('trim-bundled: msgpackr has no dist/node.cjs; its layout changed\n');
  process.exitCode = 1;
}
