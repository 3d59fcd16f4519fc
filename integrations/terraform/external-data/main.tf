# A package that is built when a plan is applied, and a plan that asks `wherry digest`: exactly what decides the package
# counts, and the handler, the runtime and the architecture come from the project. Wherry is needed for a plan as well.

terraform {
  required_version = ">= 1.5"

  required_providers {
    external = {
      source = "hashicorp/external"
    }
  }
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

variable "runtime" {
  description = "The runtime, in place of that of the project."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]*$", var.runtime))
    error_message = "It has a name such as python3.13."
  }
}

variable "architecture" {
  description = "The architecture, in place of that of the project."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]*$", var.architecture))
    error_message = "It has a name such as arm64."
  }
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

data "external" "digest" {
  program = concat(split(" ", var.wherry), ["digest", "--terraform"])
  query = {
    project      = var.project
    name         = var.name
    runtime      = var.runtime
    architecture = var.architecture
  }
}

locals {
  package = data.external.digest.result
}

resource "terraform_data" "build" {
  triggers_replace = [local.package.inputs_sha256, var.again]

  provisioner "local-exec" {
    command     = "${var.wherry} build ${var.name} --runtime ${local.package.runtime} --architecture ${local.package.architecture} --expect ${local.package.inputs_sha256} --quiet"
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
  value       = local.package.path
  depends_on  = [terraform_data.build]
}

output "source_code_hash" {
  description = "The digest of the inputs."
  value       = join(" ", compact([local.package.inputs_sha256, var.again]))
}

output "code_sha256" {
  description = "The digest of the package, as AWS reported it when it was last applied; null without live_code_sha256. Not for the function itself, which comes before it."
  value       = terraform_data.applied.output
}

output "handler" {
  description = "The handler of a function."
  value       = local.package.handler
}

output "runtime" {
  description = "The runtime that the package is built for."
  value       = local.package.runtime
}

output "architecture" {
  description = "The architecture that the package is built for."
  value       = local.package.architecture
}
