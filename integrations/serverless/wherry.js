// A plugin of the Serverless Framework that builds the service's packages with Wherry into `.serverless`, which the
// framework empties before it packages. It compares the zip files that it finds there with those of the last deployment.

const { execFileSync } = require("child_process");

module.exports = class Wherry {
  constructor(serverless) {
    const options = { cwd: serverless.serviceDir, stdio: ["ignore", "ignore", "inherit"] };
    const build = () =>
      execFileSync(process.env.WHERRY || "wherry", ["build", "--quiet", "--output", ".serverless"], options);
    this.hooks = { "before:package:createDeploymentArtifacts": build };
  }
};
