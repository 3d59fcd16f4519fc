/**
 * Python functions and layers for the AWS CDK whose packages Wherry makes: without Docker, and with assets that change
 * only with their bytes. The props are those of `@aws-cdk/aws-lambda-python-alpha`.
 *
 * `wherry` must be on PATH; the variable WHERRY names another command.
 */

import * as path from "node:path";
import { Annotations, AssetHashType, BundlingFileAccess, DockerImage, DockerRunOptions, Stack } from "aws-cdk-lib";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { answer } from "./command";

/** Gives commands to run before and after bundling. */
export interface ICommandHooks {
  /** Commands to run before bundling. */
  beforeBundling(inputDir: string, outputDir: string): string[];
  /** Commands to run after bundling. */
  afterBundling(inputDir: string, outputDir: string): string[];
}

/** How a package is made. */
export interface BundlingOptions extends Omit<DockerRunOptions, "command" | "entrypoint" | "workingDirectory"> {
  /** Gitignore patterns of files that do not ship. */
  readonly assetExcludes?: string[];
  /** The hash of the asset, in place of that of its bytes. */
  readonly assetHash?: string;
  /** SOURCE for the digest of the inputs; by default the bytes. */
  readonly assetHashType?: AssetHashType;
  /** Variables such as PIP_INDEX_URL. */
  readonly buildArgs?: { [key: string]: string };
  /** VOLUME_COPY where the container engine cannot see this machine's files. */
  readonly bundlingFileAccess?: BundlingFileAccess;
  /** Commands to run before and after bundling. */
  readonly commandHooks?: ICommandHooks;
  /** The image to build in, where something has to be compiled. */
  readonly image?: DockerImage;
  /** A folder of the package that its files go into. */
  readonly outputPathSuffix?: string;
  /** Taken and not needed: hashes are always verified. */
  readonly poetryIncludeHashes?: boolean;
  /** Taken and not needed. */
  readonly poetryWithoutUrls?: boolean;
  /** Dependency groups beyond the default ones. */
  readonly groups?: string[];
  /** Extras of the project. */
  readonly extras?: string[];
  /** The member of a uv workspace. */
  readonly package?: string;
  /** The lock file, if it is not in the usual place. */
  readonly lock?: string;
  /** When to build in a container. */
  readonly container?: "auto" | "always" | "never";
}

/** The properties of a `PythonFunction`. */
export interface PythonFunctionProps extends lambda.FunctionOptions {
  /** The project's folder. */
  readonly entry: string;
  /** A runtime of Python. */
  readonly runtime: lambda.Runtime;
  /** The file with the handler, relative to `entry`; by default `index.py`. */
  readonly index?: string;
  /** The function in that file; by default `handler`. */
  readonly handler?: string;
  /** The web application, as `module:object`, in place of `index` and `handler`. */
  readonly app?: string;
  /** How the package is made. */
  readonly bundling?: BundlingOptions;
}

/** A Lambda function of a folder with Python code and its lock. */
export class PythonFunction extends lambda.Function {
  constructor(scope: Construct, id: string, props: PythonFunctionProps) {
    const { entry, runtime, index, handler, app, bundling, ...options } = props;
    const asset = isBundled(scope)
      ? build(scope, id, {
          entry,
          runtime: runtime.name,
          architecture: (props.architecture ?? lambda.Architecture.X86_64).name,
          index,
          handler,
          app,
          layers: (props.layers ?? []).length > 0,
          bundling: snakeCase(bundling),
        })
      : undefined;
    super(scope, id, {
      ...options,
      runtime,
      code: codeOf(asset),
      handler: asset?.handler ?? (app === undefined ? handlerName(index, handler) : "wherry_shim.handler"),
    });
    warn(this, asset);
  }
}

/** The properties of a `PythonLayerVersion`. */
export interface PythonLayerVersionProps extends lambda.LayerVersionOptions {
  /** The project's folder. */
  readonly entry: string;
  /** What the layer must run on; by default the runtime that the project's files name or admit. */
  readonly compatibleRuntimes?: lambda.Runtime[];
  /** Likewise; by default that of the settings, or x86_64, and the template does not name it. */
  readonly compatibleArchitectures?: lambda.Architecture[];
  /** How the package is made. */
  readonly bundling?: BundlingOptions;
}

/** A layer of a folder with a lock, and of the code in it, if any. */
export class PythonLayerVersion extends lambda.LayerVersion {
  constructor(scope: Construct, id: string, props: PythonLayerVersionProps) {
    const { entry, compatibleRuntimes, compatibleArchitectures, bundling, ...options } = props;
    const runtimes = compatibleRuntimes?.map((each) => each.name) ?? [];
    const architectures = compatibleArchitectures?.map((each) => each.name) ?? [];
    const asset = isBundled(scope)
      ? build(scope, id, {
          entry,
          layer: true,
          runtime: runtimes[0],
          architecture: architectures[0],
          runtimes,
          architectures,
          bundling: snakeCase(bundling),
        })
      : undefined;
    super(scope, id, {
      ...options,
      code: codeOf(asset),
      compatibleRuntimes: compatibleRuntimes ?? (asset && [new lambda.Runtime(asset.runtime, lambda.RuntimeFamily.PYTHON)]),
      compatibleArchitectures,
    });
    warn(this, asset);
  }
}

/** A package that was built, as `wherry asset` describes it. */
interface Asset {
  readonly path: string;
  readonly handler: string | null;
  readonly runtime: string;
  readonly asset_hash: string | null;
  readonly warnings: string[];
}

/** The asset of constructs in stacks that are not bundled: always the same. */
const NOT_BUNDLED = path.join(__dirname, "..", "not_bundled.zip");

/** What was built, by application: equal requests are built once. */
const built = new WeakMap<object, Map<string, Asset>>();

/** The handler in a stack that is not bundled; in others Wherry tells it. */
function handlerName(index = "index.py", handler = "handler"): string {
  const module = index.replace(/\\/g, "/").replace(/^\.\//, "").replace(/\.py$/, "").replace(/\//g, ".");
  return `${module}.${handler}`;
}

function isBundled(scope: Construct): boolean {
  return Stack.of(scope).bundlingRequired;
}

function codeOf(asset: Asset | undefined): lambda.Code {
  if (asset === undefined) {
    return lambda.Code.fromAsset(NOT_BUNDLED);
  }
  return lambda.Code.fromAsset(
    asset.path,
    asset.asset_hash === null ? {} : { assetHash: asset.asset_hash, assetHashType: AssetHashType.CUSTOM },
  );
}

function warn(construct: Construct, asset: Asset | undefined): void {
  for (const text of asset?.warnings ?? []) {
    Annotations.of(construct).addWarning(text);
  }
}

/** Build a package; an error names the construct. */
function build(scope: Construct, id: string, request: object): Asset {
  const root = scope.node.root;
  const known = built.get(root) ?? new Map<string, Asset>();
  built.set(root, known);
  const query = JSON.stringify(request);
  let asset = known.get(query);
  if (asset === undefined) {
    const answered = JSON.parse(answer(query)) as Asset & { error?: string };
    if (answered.error !== undefined) {
      const where = scope.node.path === "" ? id : `${scope.node.path}/${id}`;
      throw new Error(`in the construct \`${where}\`\n${answered.error.trim()}`);
    }
    asset = answered;
    known.set(query, asset);
  }
  return asset;
}

/** The options as `wherry asset` takes them. */
function snakeCase(options: BundlingOptions | undefined): Record<string, unknown> | undefined {
  if (options === undefined) {
    return undefined;
  }
  const { commandHooks, image, ...rest } = options;
  const taken: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    taken[key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = value;
  }
  taken.asset_hash_type = options.assetHashType?.toUpperCase();
  taken.bundling_file_access = options.bundlingFileAccess;
  taken.image = image?.image;
  taken.volumes = options.volumes?.map((each) =>
    [each.hostPath, each.containerPath, each.consistency].filter((part) => part !== undefined).join(":"),
  );
  taken.command_hooks = commandHooks && {
    before: commandHooks.beforeBundling("{input}", "{output}"),
    after: commandHooks.afterBundling("{input}", "{output}"),
  };
  return Object.fromEntries(Object.entries(taken).filter(([, value]) => value !== undefined));
}
