// Smoke test of the package as users get it: packs it, installs the tarball into fresh Nest applications outside
// the repository, compiles and runs them. `node scripts/smoke.mjs [folder of another package to try]`.
//
// Left out on purpose: everything that a test inside the repository can see.
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const packageFolder = process.argv[2] ?? repository;
const fixtures = fileURLToPath(new URL('./smoke', import.meta.url));
const area = mkdtempSync(join(tmpdir(), 'clusterpack-smoke-'));

class SmokeFailure extends Error {}

/** What npm and Jest put into our environment must not reach the applications: theirs is a fresh shell. */
function freshEnvironment() {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(package|lifecycle|config_(local_prefix|ignore_scripts|dry_run))|JEST_|VITEST_|CLUSTER_|NODE_OPTIONS$|NODE_ENV$)/.test(
        name,
      ),
  );
  return Object.fromEntries(inherited);
}

/** Runs a program to its end; a process that does not end by itself is a failure. */
function run(cwd, program, args, { timeoutMs = 180_000 } = {}) {
  return new Promise((resolve, reject) => {
    const options = {
      cwd,
      env: freshEnvironment(),
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: 64 << 20,
    };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const end = error.killed
        ? `did not end within ${timeoutMs / 1000} s`
        : `ended with ${error.code ?? error.signal}`;
      reject(new SmokeFailure(`${program} ${args.join(' ')} ${end}, in ${cwd}\n${stdout}\n${stderr}`));
    });
  });
}

async function step(name, work) {
  const startedAt = performance.now();
  const result = await work();
  process.stdout.write(`smoke: ${name} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)\n`);
  return result;
}

function binary(name) {
  return join(repository, 'node_modules', '.bin', name);
}

function check(truth, message) {
  if (!truth) throw new SmokeFailure(message);
}

async function pack() {
  await run(packageFolder, 'npm', ['pack', '--pack-destination', area]);
  const tarball = readdirSync(area).find((name) => name.endsWith('.tgz'));
  check(tarball !== undefined, 'npm pack made no tarball');
  return join(area, tarball);
}

/**
 * That nothing which comes with us runs code at installation. Looks at the lock file for what npm would install
 * on any platform, and at the folders for what it did install on this one.
 */
function checkInstallScripts(app) {
  const { packages } = JSON.parse(readFileSync(join(app, 'package-lock.json'), 'utf8'));
  const native = Object.keys(packages).filter((path) => path.includes('msgpackr-extract'));
  check(native.length === 0, `msgpackr's native part came with us: ${native.join(', ')}`);
  check(!existsSync(join(app, 'node_modules', 'msgpackr-extract')), 'node_modules/msgpackr-extract exists');

  const ours = new Set();
  const visit = (path) => {
    if (ours.has(path)) return;
    ours.add(path);
    const entry = packages[path];
    for (const name of Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })) {
      const found = locate(packages, path, name);
      if (found !== undefined) visit(found);
    }
  };
  visit('node_modules/clusterpack');
  const withScript = [...ours].filter(
    (path) => packages[path].hasInstallScript || hasInstallScript(join(app, path)),
  );
  check(withScript.length === 0, `these come with us and have an install script: ${withScript.join(', ')}`);
  return ours.size - 1;
}

/** Where Node finds `name` from the package at `path`. */
function locate(packages, path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const candidate = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
    if (packages[candidate] !== undefined) return candidate;
    if (at === '') return undefined;
  }
}

function hasInstallScript(folder) {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return false;
  const { scripts = {} } = JSON.parse(readFileSync(manifest, 'utf8'));
  return ['preinstall', 'install', 'postinstall'].some((name) => scripts[name] !== undefined);
}

/** That the command of the package is there under its name, as `npx` and as a script of package.json find it. */
async function checkKeygen(app) {
  const bare = await run(app, join('node_modules', '.bin', 'clusterpack'), ['keygen']);
  const npm = await run(app, 'npm', ['exec', '--offline', '--', 'clusterpack', 'keygen']);
  for (const secret of [bare, npm]) {
    check(
      /^[\w-]{43}\n$/.test(secret),
      'clusterpack keygen prints something else than a secret and a newline',
    );
  }
  check(bare !== npm, 'clusterpack keygen printed the same secret twice');
}

const compilerOptions = {
  target: 'ES2023',
  outDir: './dist',
  strict: true,
  // Our declarations have to be right by themselves; those of Nest and of the tools are, too.
  skipLibCheck: false,
  esModuleInterop: true,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};

const nextGeneration = { module: 'nodenext', moduleResolution: 'nodenext', isolatedModules: true };

/** The Jest configuration that `nest new` writes for Nest 11, and the one line that our README adds. */
const stockJest = {
  moduleFileExtensions: ['js', 'json', 'ts'],
  rootDir: 'src',
  testRegex: '.*\\.spec\\.ts$',
  transform: { '^.+\\.(t|j)s$': 'ts-jest' },
  collectCoverageFrom: ['**/*.(t|j)s'],
  coverageDirectory: '../coverage',
  testEnvironment: 'node',
  transformIgnorePatterns: ['/node_modules/(?!clusterpack/)'],
};

/** What tracing needs besides, in every application: a tracer, and what carries traces on. */
const telemetry = [
  '@opentelemetry/api@1.9.1',
  '@opentelemetry/sdk-trace-base@2.12.1',
  '@opentelemetry/context-async-hooks@2.12.1',
  '@opentelemetry/core@2.12.1',
];

const applications = [
  {
    name: 'nest-12-esm',
    manifest: { type: 'module' },
    nest: '12.5.1',
    compilerOptions: { ...compilerOptions, ...nextGeneration },
    tools: ['typescript@5.9.3', '@types/node@20.19.43', '@nestjs/testing@12.1.1'],
    optional: ['@nestjs/microservices@12.1.1', '@nestjs/terminus@12.1.0'],
  },
  {
    // The oldest of the peer range, with the compiler options that its `nest new` wrote.
    name: 'nest-11.0-commonjs',
    manifest: { jest: stockJest },
    nest: '11.0.1',
    compilerOptions: { ...compilerOptions, module: 'commonjs' },
    tools: [
      'typescript@5.7.3',
      '@types/node@20.19.43',
      '@nestjs/testing@11.0.1',
      'jest@29.7.0',
      'ts-jest@29.4.15',
      '@types/jest@29.5.14',
    ],
    optional: ['@nestjs/microservices@11.0.1', '@nestjs/terminus@11.0.0'],
  },
  {
    name: 'nest-11-latest-commonjs',
    manifest: { jest: stockJest },
    nest: '11',
    compilerOptions: { ...compilerOptions, ...nextGeneration },
    tools: [
      'typescript@5.9.3',
      '@types/node@20.19.43',
      '@nestjs/testing@11',
      'jest@30.5.2',
      'ts-jest@29.4.15',
      '@types/jest@30.0.0',
    ],
    optional: ['@nestjs/microservices@11', '@nestjs/terminus@11'],
  },
];

async function tryApplication(tarball, application) {
  const app = join(area, application.name);
  mkdirSync(join(app, 'src'), { recursive: true });
  const usesJest = application.manifest.jest !== undefined;
  writeFileSync(
    join(app, 'package.json'),
    JSON.stringify({ name: application.name, version: '1.0.0', private: true, ...application.manifest }),
  );
  writeFileSync(
    join(app, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: application.compilerOptions,
      include: ['src'],
      exclude: ['**/*.spec.ts'],
    }),
  );
  const programs = ['main.ts', 'testing.ts', 'try-testing.ts', 'conventions.ts', 'without-peers.ts'];
  const sources = [...programs, ...(usesJest ? ['cluster.spec.ts'] : [])];
  for (const source of sources) cpSync(join(fixtures, source), join(app, 'src', source));

  const install = (...packages) =>
    run(app, 'npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages]);
  // Our tarball first, then the rest: npm repairs what it takes for a hole in a bundled package only at the
  // second installation.
  await install(
    tarball,
    `@nestjs/common@${application.nest}`,
    `@nestjs/core@${application.nest}`,
    'reflect-metadata@0.2.2',
    'rxjs@7.8.2',
  );
  await install('--save-dev', ...application.tools);
  const count = checkInstallScripts(app);

  await checkKeygen(app);

  const compile = () => run(app, process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc')]);
  const program = async (name, says) => {
    const output = await run(app, process.execPath, [join('dist', `${name}.js`)], { timeoutMs: 60_000 });
    check(output.trim().endsWith(says), `unexpected output of ${name} in ${application.name}:\n${output}`);
  };
  await compile();
  await program('main', 'two nodes met');
  await program('conventions', "Nest's conventions hold");
  await program('try-testing', 'a cluster was tested');
  await program('without-peers', 'what is missing is named');

  const express = `@nestjs/platform-express@${application.nest}`;
  await install('--save-dev', express, ...application.optional, ...telemetry);
  cpSync(join(fixtures, 'optional'), join(app, 'src', 'optional'), { recursive: true });
  if (!usesJest) rmSync(join(app, 'src', 'optional', 'optional.spec.ts'));
  await compile();
  await program(join('optional', 'try-optional'), 'what is optional works');

  if (usesJest)
    await run(app, process.execPath, [join('node_modules', 'jest', 'bin', 'jest.js'), '--ci'], {
      timeoutMs: 90_000,
    });
  return `${count} packages came along`;
}

try {
  const tarball = await step('packed', pack);
  await step('publint is content', () => run(repository, binary('publint'), ['run', tarball, '--strict']));
  await step('attw is content', () => run(repository, binary('attw'), [tarball, '--profile', 'esm-only']));
  for (const application of applications) {
    await step(`${application.name} compiles, runs${application.manifest.jest ? ', tests' : ''}, ends`, () =>
      tryApplication(tarball, application),
    );
  }
  process.stdout.write('smoke: ok\n');
} catch (error) {
  if (!(error instanceof SmokeFailure)) throw error;
  process.stderr.write(`smoke: FAILED: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(area, { recursive: true, force: true });
}
