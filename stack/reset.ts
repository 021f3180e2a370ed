import fs from 'node:fs';
import { findHome, runningStack } from './home';
import { fallbackFolder } from './postgresFiles';

const home = findHome(process.env);
const running = runningStack(home);
if (running !== undefined) {
  console.error(`A stack is running on ${home.folder} (process ${running}): end it first.`);
  process.exitCode = 1;
} else if (fs.existsSync(home.folder) && !fs.existsSync(home.file('ports.json'))) {
  // COUNTERSIGN_HOME may name anything, also somebody's home directory.
  console.error(`${home.folder} was not made by npm start, so it is not removed.`);
  process.exitCode = 1;
} else {
  for (const folder of [home.folder, fallbackFolder(home.folder)].filter((each) => fs.existsSync(each))) {
    fs.rmSync(folder, { recursive: true, force: true });
    console.log(`Removed ${folder}.`);
  }
}
