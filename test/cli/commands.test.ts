import { describe, expect, it } from '@jest/globals';
import { runCommand } from '../../src/cli/commands.js';
import { checkSecret } from '../../src/transport/tcp/tls/secrets.js';

describe('clusterpack keygen', () => {
  it('prints a secret that the "security" option takes, a newline, and nothing else', () => {
    const { stdout, stderr, exitCode } = runCommand(['keygen']);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toMatch(/^[\w-]{43}\n$/);
    expect(() => checkSecret(stdout.trim(), 'secret')).not.toThrow();
  });

  it('prints another one each time', () => {
    const secrets = Array.from({ length: 100 }, () => runCommand(['keygen']).stdout);
    expect(new Set(secrets).size).toBe(100);
  });
});

describe('the command line', () => {
  it.each([[['--help']], [['-h']], [['keygen', '--help']]])('%j prints how it is used', (args) => {
    const { stdout, stderr, exitCode } = runCommand(args);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(stdout).toMatch(/^Usage: clusterpack <command>[^]*keygen/);
  });

  it.each([
    [[], 'a command is missing'],
    [['keygne'], 'there is no command "keygne"'],
    [['keygen', '32'], 'keygen takes no arguments'],
    [['keygen', '--length', '32'], "Unknown option '--length'"],
  ])('%j is refused on stderr with code 2, and prints no secret', (args, problem) => {
    const { stdout, stderr, exitCode } = runCommand(args);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toContain(`clusterpack: ${problem}`);
    expect(stderr).toContain('Usage: clusterpack <command>');
  });
});
