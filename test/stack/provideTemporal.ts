import { startWatchdog } from '../../stack/guard';
import { provideTemporal } from '../../stack/temporalBinary';

// Run by temporalBinary.test.ts as a process of its own.
provideTemporal(startWatchdog()).then(
  (file) => process.stdout.write(`provided ${file}\n`),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
