// What a user is told who asks for a subpath without the package that it needs.

const needs: Readonly<Record<string, string>> = {
  'clusterpack/microservices': '@nestjs/microservices',
  'clusterpack/terminus': '@nestjs/terminus',
};

async function main(): Promise<void> {
  for (const [subpath, name] of Object.entries(needs)) {
    // As a text that the compiler does not follow: its types need the package, too.
    const error: unknown = await import(subpath).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const { code, message } = (error ?? {}) as { code?: string; message?: string };
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND')
      throw new Error(`${subpath} without ${name} gives ${String(error)}`);
    if (!message?.includes(`'${name}'`)) throw new Error(`the error does not name ${name}: ${message}`);
  }
  console.log('what is missing is named');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
