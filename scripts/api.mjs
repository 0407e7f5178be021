// Compares the public API with the reports in etc/, which are checked in; `--update` rewrites them.
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const update = process.argv.includes('--update');

// The extractor does not make the folder, and git does not keep an empty one.
mkdirSync(new URL('../etc/', import.meta.url), { recursive: true });

const configs = ['', '.core', '.microservices', '.terminus', '.testing'].map(
  (name) => `api-extractor${name}.json`,
);

for (const config of configs) {
  const file = fileURLToPath(new URL(`../${config}`, import.meta.url));
  const { succeeded, apiReportChanged } = Extractor.invoke(ExtractorConfig.loadFileAndPrepare(file), {
    localBuild: update,
    messageCallback: (message) => {
      // The extractor's own TypeScript is always a little older than ours; it says so on every run.
      if (message.messageId === 'console-compiler-version-notice') message.handled = true;
    },
  });
  if (!succeeded) {
    process.exitCode = 1;
    if (apiReportChanged) {
      process.stderr.write(
        `The public API changed (${config}). If that is meant: npm run api:update, and commit etc/.\n`,
      );
    }
  }
}
