# A package that `wherry build` has written before the plan. The plan needs its JSON document, and no zip file:
#
#   cd PROJECT && mkdir -p dist/lambda && wherry build --json --quiet > dist/lambda/build.json

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

variable "document" {
  description = "The file that holds what `wherry build --json` printed, relative to the project's folder."
  type        = string
  default     = "dist/lambda/build.json"
}

variable "live_code_sha256" {
  description = "The attribute code_sha256 of the function or layer version, to notice code that others have put there."
  type        = string
  default     = null
}

locals {
  build   = jsondecode(file("${var.project}/${var.document}"))
  package = one([for package in local.build.packages : package if package.name == var.name])
}

# Until a new package is applied, the code of the one before is on AWS.
resource "terraform_data" "applied" {
  input = local.package.code_sha256
}

check "live_code" {
  assert {
    condition     = var.live_code_sha256 == null ? true : var.live_code_sha256 == terraform_data.applied.output
    error_message = "`${var.name}` on AWS has the code ${coalesce(var.live_code_sha256, "-")}, and not ${terraform_data.applied.output}, which Wherry built: somebody else has changed it."
  }
}

output "filename" {
  description = "The zip file."
  value       = "${var.project}/${local.package.path}"
}

output "source_code_hash" {
  description = "Changes if and only if the package does."
  value       = local.package.code_sha256
}

output "code_sha256" {
  description = "The digest of the package, as AWS reports it."
  value       = local.package.code_sha256
}

output "handler" {
  description = "The handler of a function."
  value       = local.package.handler
}

output "runtime" {
  description = "The runtime that the package is built for."
  value       = local.build.target.runtime
}

output "architecture" {
  description = "The architecture that the package is built for."
  value       = local.build.target.architecture
}
