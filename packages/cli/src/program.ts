import { readFileSync } from 'node:fs';
import { Argument, Command, CommanderError, Option } from 'commander';
import { contextOf, type Context } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { printFailure, printUsageError } from './failure.ts';
import type { AttackFlags, BenchFlags, EvaluateFlags, LeaderboardFlags, TrainFlags, VerifyFlags } from './flags.ts';
import { onInterrupt } from './interrupt.ts';
import { attackList, budgets, keyValue, list, number, numbers, positive, whole } from './parse.ts';

// Commands are imported when they run: --help must not wait for TensorFlow.js.
type Action = (context: Context) => Promise<number>;

/**
 * Runs the command line.
 *
 * @param argv the arguments after `robustjs`.
 * @returns the exit status; see the guide docs/guides/cli.md.
 */
export async function main(argv: readonly string[]): Promise<number> {
  let action: Action | undefined;
  const program = programOf((chosen) => (action = chosen));
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitCodes.ok;
    // Commander has said it on stderr; a script reads stdout.
    if (argv.includes('--json')) printUsageError(error.message);
    return exitCodes.usage;
  }
  return action === undefined ? exitCodes.ok : perform(action, argv, program.opts());
}

async function perform(action: Action, argv: readonly string[], flags: { json?: boolean; debug?: boolean }): Promise<number> {
  const { signal, release } = onInterrupt();
  const context = contextOf(argv, flags, signal);
  try {
    return await action(context);
  } catch (error) {
    return printFailure(error, context);
  } finally {
    release();
  }
}

const version = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

const NETWORK = "a network: an entry's name such as pgd-at, a .safetensors file of ours, a model.json of TensorFlow.js (file or address), or a module that exports predict";

/** Options for networks from elsewhere. */
const ofModels = (command: Command): Command =>
  command
    .option('--bounds <low,high>', 'smallest and largest input of a network from elsewhere (default: 0,1); budgets are in these units', numbers)
    .option('--scale <x>', 'what its inputs are multiplied with first, such as 1/255', number)
    .option('--mean <list>', 'what is then taken off, one number or one a channel', numbers)
    .option('--std <list>', 'what is then divided by', numbers)
    .option('--input-shape <list>', 'shape of one input where the network leaves sizes open, as in 28,28,1', numbers)
    .option('--straight-through <list>', 'operations whose gradient attacks take for the identity (BPDA), such as Round', list);

const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  robustjs ${line}`).join('\n')}`;

/** The command line's grammar. `choose` gets what to run. */
export function programOf(choose: (action: Action) => void): Command {
  const program = new Command('robustjs')
    .description('Train, attack, evaluate and compare models for TensorFlow.js')
    .version(version(), '-v, --version')
    .option('--json', 'print one JSON object on stdout, and nothing else there')
    .option('--debug', 'print the stack with an error')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("Run with --help to see the options.")
    .exitOverride()
    .addHelpText('after', '\nExit status: 0 ok, 1 a check failed or a result was refused, 2 usage, 3 bad input data, 130 interrupted.');

  program
    .command('bench')
    .description('run the shared benchmark: train and evaluate every method of a track, print the table, write the report')
    .option('--track <id>', 'track to run', 'image-classification')
    .addOption(new Option('--tier <tier>', 'how much of it').choices(['smoke', 'small', 'paper']).default('small'))
    .option('--out <dir>', 'folder of the run; an existing one is continued (default: robustjs-runs/<time>-<track>-<tier>)')
    .option('--seed <n>', 'seed of the runs', whole(0), 0)
    .option('--workers <n>', 'threads to work with; results do not depend on it (default: the number of cores)', whole(1))
    .option('--only <ids>', 'run these methods only, parted by commas', list)
    .option('--missing', 'leave out what benchmarks/results already has')
    .option('--data <id>', "data set in place of the tier's own, where the tier has several")
    .option('--data-dir <dir>', 'folder that holds the data')
    .option('--yes', 'do not ask before a run of more than half an hour')
    .addHelpText('after', examples('bench --tier smoke', 'bench --only pgd-at,trades --out run', 'bench --track metric-learning --missing --seed 1'))
    .action((options: BenchFlags) => choose(async (context) => (await import('./commands/bench.ts')).bench(options, context)));

  program
    .command('train')
    .description('train and evaluate one network from a recipe, or from a method and the small tier’s settings')
    .argument('[recipe]', 'recipe file (JSON; schema: robustjs list schema)')
    .option('--method <name>', "method (see: robustjs list methods): its id, npm package or file, or 'standard'")
    .option('--option <key=value>', "an option of the method; repeat for more", keyValue)
    .option('--data <id>', 'data set (see: robustjs list data)')
    .option('--data-dir <dir>', 'folder that holds the data')
    .addOption(new Option('--architecture <id>', 'network').choices(['small-cnn', 'resnet']))
    .option('--epochs <n>', 'passes over the data', whole(1))
    .option('--batch-size <n>', 'examples a step', whole(1))
    .option('--learning-rate <x>', 'learning rate', positive)
    .option('--shards <n>', "parts of a batch whose gradients are taken apart (default: the recipe's, or 4; fewer for batches below 64)", whole(1))
    .option('--workers <n>', 'threads to work with, for training no more than there are shards (default: the number of cores)', whole(1))
    .option('--examples <n>', 'training examples to use', whole(1))
    .option('--seed <n>', 'seed of the run', whole(0))
    .option('--out <dir>', 'folder of the run; an existing one is continued')
    .option('--yes', 'do not ask before a run of more than half an hour')
    .addHelpText('after', examples('train --method trades --option beta=3 --option eps=0.2 --out run', 'train recipe.json --seed 1'))
    .action((recipe: string | undefined, options: TrainFlags) => choose(async (context) => (await import('./commands/train.ts')).train(recipe, options, context)));

  ofModels(program.command('evaluate'))
    .description('measure clean and robust accuracy of a network; the same command goes on after an interruption')
    .argument('[network]', NETWORK)
    .option('--model <network>', 'the network, in place of the argument')
    .option('--data <id>', "data set (default: the recipe's, or mnist)")
    .option('--data-dir <dir>', 'folder that holds the data')
    .option('--images <file>', "images as .npy, [N, ...shape], channels last: floats in the network's bounds, or bytes")
    .option('--labels <file>', 'their classes as .npy, [N]')
    .addOption(new Option('--threat <norm>', "norm of the budget (default: the recipe's, or Linf)").choices(['Linf', 'L2', 'L1']))
    .option('--eps <list>', "budgets, parted by commas; the last one ranks (default: the recipe's last, or 8/255 under Linf in [0, 1])", budgets)
    .addOption(new Option('--suite <name>', 'attacks (default: default): two of ours, or AutoAttack’s versions').choices(['smoke', 'default', 'standard', 'plus', 'rand']))
    .option('--attacks <list>', 'attacks with options in place of a suite, as in noise:draws=50,pgd:steps=20:restarts=2', attackList)
    .addOption(new Option('--checks <kind>', 'sanity checks (default: full; quick with suite smoke)').choices(['full', 'quick']))
    .option('--no-curve', 'leave out accuracy against eps')
    .option('--claim <share>', 'clean accuracy that was claimed, as a fraction, to be checked where all examples are evaluated', positive)
    .option('--forward-passes <n>', 'forward passes that one prediction takes, for the record (default: 1)', whole(1))
    .option('--backbone <network>', 'the network without its defense, for checks that need it')
    .option('--examples <n>', 'test examples (default: 200, or all images of --images)', whole(1))
    .option('--batch-size <n>', 'examples at a time', whole(1), 100)
    .option('--seed <n>', 'seed of the attacks', whole(0), 0)
    .option('--workers <n>', 'threads to work with; results do not depend on it (default: the number of cores)', whole(0))
    .option('--out <dir>', 'folder for the entry, its adversarial images and its report; an evaluation begun there is continued')
    .addHelpText('after', examples('evaluate run/networks/trades.safetensors --eps 0.1,0.2', 'evaluate --model path/to/model.json --images x.npy --labels y.npy --threat Linf --eps 8/255 --suite standard --out evaluation'))
    .action((network: string | undefined, options: EvaluateFlags) => choose(async (context) => (await import('./commands/evaluate.ts')).evaluateNetwork(network, options, context)));

  ofModels(program.command('verify'))
    .description('check a result of evaluate from its stored adversarial images, believing nothing of it')
    .argument('<dir>', 'the folder that evaluate wrote')
    .option('--model <network>', 'the network (default: the one that evaluate was given, unless it is a module or an address)')
    .option('--data <id>', 'data set (default: what evaluate was given)')
    .option('--data-dir <dir>', 'folder that holds the data')
    .option('--images <file>', 'images as .npy')
    .option('--labels <file>', 'their classes as .npy')
    .addOption(new Option('--backend <name>', 'what to compute on: cpu is slow, and shares no code with wasm').choices(['wasm', 'cpu']).default('wasm'))
    .addHelpText('after', examples('verify evaluation', 'verify evaluation --backend cpu'))
    .action((dir: string, options: VerifyFlags) => choose(async (context) => (await import('./commands/verify.ts')).verify(dir, options, context)));

  ofModels(program.command('attack'))
    .description('write adversarial examples as PNG and .npy')
    .argument('<network>', NETWORK)
    .option('--inputs <file>', 'inputs as .npy, [N, ...shape] in [0, 1] or bytes (default: test examples)')
    .option('--labels <file>', 'their classes as .npy, [N]')
    .option('--data <id>', "data set to take test examples from (default: the recipe's, or mnist)")
    .option('--data-dir <dir>', 'folder that holds the data')
    .addOption(new Option('--threat <norm>', "norm of the budget, in the units of the inputs for the first three and in pixels for the others (default: the recipe's, or Linf)").choices(['Linf', 'L2', 'L1', 'L0', 'patch', 'framing', 'pixels']))
    .option('--eps <eps>', "budget (default: the recipe's last, or 8/255 under Linf in [0, 1])", budgets)
    .addOption(new Option('--attack <attack>', 'attack with options').argParser(attackList).default([{ id: 'pgd', options: { steps: 50 } }], 'pgd:steps=50'))
    .option('--examples <n>', 'how many test examples', whole(1), 10)
    .option('--batch-size <n>', 'inputs at a time', whole(1), 100)
    .option('--seed <n>', 'seed of the attack', whole(0), 0)
    .option('--out <dir>', 'folder to write to', 'adversarial')
    .addHelpText('after', examples('attack run/networks/trades.safetensors --eps 0.2', 'attack path/to/model.json --inputs x.npy --labels y.npy --attack pgd:steps=20:restarts=2', 'attack run/networks/trades.safetensors --threat patch --eps 5 --attack roa'))
    .action((network: string, options: AttackFlags) => choose(async (context) => (await import('./commands/attack.ts')).attackInputs(network, options, context)));

  program
    .command('compare')
    .description('compare two entries example by example, with an interval for the difference')
    .argument('<a>', 'an entry: its name in benchmarks/results, or its .json file')
    .argument('<b>', 'the other one')
    .addHelpText('after', examples('compare run/entries/trades.json run/entries/pgd-at.json'))
    .action((a: string, b: string) => choose(async (context) => (await import('./commands/compare.ts')).compare(a, b, context)));

  program
    .command('list')
    .description('show what there is')
    .addArgument(new Argument('<things>', 'what to show').choices(['methods', 'attacks', 'data', 'tracks', 'schema']))
    .argument('[id]', 'one of them, in full')
    .addHelpText('after', examples('list data', 'list attacks pgd', 'list schema entry'))
    .action((what: string, id: string | undefined) => choose(async (context) => (await import('./commands/list.ts')).listThings(what, id, context)));

  program
    .command('doctor')
    .description('check this installation: node, runtime, data sets, plugins; every finding comes with its fix')
    .action(() => choose(async (context) => (await import('./commands/doctor.ts')).doctor(context)));

  program
    .command('leaderboard')
    .description('print the table of benchmarks/results and bring benchmarks/README.md up to date')
    .option('--check', 'change nothing; fail when benchmarks/README.md is stale')
    .option('--add <dir>', 'first copy the entries and networks of this run into benchmarks/results, where they break no rule of publication')
    .action((options: LeaderboardFlags) => choose(async (context) => (await import('./commands/leaderboard.ts')).leaderboard(options, context)));

  program
    .command('new')
    .description('start a plugin whose tests pass at once')
    .addArgument(new Argument('<kind>', 'what to start').choices(['plugin']))
    .argument('<name>', 'its id: lower-case words joined by hyphens')
    .option('--out <dir>', 'where to put it (default: plugins/NAME in the repository, else ./NAME)')
    .addHelpText('after', examples('new plugin my-method'))
    .action((_what: string, name: string, options: { out?: string }) => choose(async (context) => (await import('./commands/new.ts')).newPlugin(name, options, context)));

  return program;
}
