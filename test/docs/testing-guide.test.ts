import { expect, it } from '@jest/globals';
import { fileOf } from './block-files.js';
import { showsTests, typescriptBlocks } from './blocks.js';

const shown = typescriptBlocks().filter(showsTests);

// What a block says with `it` becomes a test of this file.
for (const block of shown) await import(fileOf(block));

it('the guide to testing shows tests', () => expect(shown.length).toBeGreaterThan(5));
