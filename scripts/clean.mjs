// A file that no longer has a source must not be packed, so a build starts from nothing.
import { rmSync } from 'node:fs';

for (const folder of ['../dist', '../sample-app/dist']) {
  rmSync(new URL(folder, import.meta.url), { recursive: true, force: true });
}
