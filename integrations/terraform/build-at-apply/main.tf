# A package that is built when a plan is applied. A plan reads the project's files, and needs neither Wherry nor a zip
# file: where no input has changed, it is clean on every machine.

terraform {
  required_version = ">= 1.5"
}

variable "project" {
  description = "The project's folder. Begin it with path.module, so that it is the same on every machine."
  type        = string
}

variable "name" {
  description = "The function or layer of the project."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]*$", var.name))
    error_message = "A name has letters, digits, full stops, hyphens and underscores."
  }
}

variable "handler" {
  description = "The handler of a function, such as shop.api.handler; wherry_shim.handler for an application."
  type        = string
  default     = null
}

variable "runtime" {
  description = "The runtime, such as python3.13."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9.-]+$", var.runtime))
    error_message = "A runtime has a name such as python3.13."
  }
}

variable "architecture" {
  description = "x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "An architecture is x86_64 or arm64."
  }
}

variable "inputs" {
  description = "Patterns of the files that decide the package, relative to the project's folder: its lock, its settings and its own files. `wherry digest --files` lists the files that count."
  type        = list(string)
  default     = ["**"]
}

variable "output" {
  description = "The folder for the zip file, relative to the project's folder, where the settings name another one."
  type        = string
  default     = "dist/lambda"
}

variable "wherry" {
  description = "The command."
  type        = string
  default     = "wherry"
}

variable "again" {
  description = "Another value uploads the package again, although no input has changed."
  type        = string
  default     = ""
}

variable "live_code_sha256" {
  description = "The attribute code_sha256 of the function or layer version, to notice code that others have put there."
  type        = string
  default     = null
}

locals {
  # What Terraform, Python and editors write below the folder is no input, unless it is named as a whole path; folders
  # such as .venv are large.
  passed_over = "(^|/)(\\.|__pycache__/|node_modules/|[^/]*\\.(pyc|tf|tfvars|tfplan|tfstate|tfstate\\.[^/]*)$)"
  inputs = [
    for path in sort(setunion([for pattern in var.inputs : fileset(var.project, pattern)]...)) : path
    if contains(var.inputs, path) || !can(regex(local.passed_over, path)) && !startswith(path, "${var.output}/")
  ]
  digest = base64sha256(jsonencode([
    var.name, var.handler, var.runtime, var.architecture, var.again,
    [for path in local.inputs : [path, filesha256("${var.project}/${path}")]],
  ]))
}

resource "terraform_data" "build" {
  triggers_replace = local.digest

  provisioner "local-exec" {
    command     = "${var.wherry} build ${var.name} --runtime ${var.runtime} --architecture ${var.architecture} --quiet"
    working_dir = var.project
  }
}

# What AWS reported when the package was last applied.
resource "terraform_data" "applied" {
  triggers_replace = terraform_data.build.id

  # While a build is pending, nobody knows it; a plan would show that of the code before.
  input = terraform_data.build.id == "" ? null : var.live_code_sha256

  lifecycle {
    ignore_changes = [input]
  }
}

check "live_code" {
  assert {
    condition     = var.live_code_sha256 == null || terraform_data.applied.output == null ? true : var.live_code_sha256 == terraform_data.applied.output
    error_message = "`${var.name}` on AWS has the code ${coalesce(var.live_code_sha256, "-")}, and not ${coalesce(terraform_data.applied.output, "-")}, which was applied: somebody else has changed it. Another value of `again` brings the package back."
  }
}

output "filename" {
  description = "The zip file."
  value       = "${var.project}/${var.output}/${var.name}.zip"
  depends_on  = [terraform_data.build]
}

output "source_code_hash" {
  description = "The digest of the inputs."
  value       = local.digest
}

output "code_sha256" {
  description = "The digest of the package, as AWS reported it when it was last applied; null without live_code_sha256. Not for the function itself, which comes before it."
  value       = terraform_data.applied.output
}

output "handler" {
  description = "The handler of a function."
  value       = var.handler
}

output "runtime" {
  description = "The runtime that the package is built for."
  value       = var.runtime
}

output "architecture" {
  description = "The architecture that the package is built for."
  value       = var.architecture
}
