"""Carrying out the actions for a layer: publishing and sharing a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.aws.actions import PublishLayer, ShareLayer
from wherry.aws.answers import require_digest
from wherry.aws.attempts import Outcome, attempt, outcome
from wherry.aws.model import DesiredLayer, version_of_arn
from wherry.aws.observe import observe_layer
from wherry.aws.plan import AppliedLayer, LayerPlan
from wherry.events import LayerPublished, LayerShared, Reporter
from wherry.structs import Struct

if TYPE_CHECKING:
    from wherry.aws.client import Client
    from wherry.aws.delivery import Delivery
    from wherry.aws.locks import LockKeeper

__all__ = ["LayerWork"]


class LayerWork(Struct):
    """The work on one layer."""

    plan: LayerPlan
    client: Client
    delivery: Delivery
    reporter: Reporter
    _arn: str = ""
    _in_doubt: bool = False
    """Whether a version may exist whose lock file is not stored."""

    def apply(self, locks: LockKeeper | None) -> AppliedLayer:
        """Carry out the actions in order; ``locks`` stores the lock file of a published version."""
        self._arn, published = self.plan.arn or "", False
        try:
            for action in self.plan.actions:
                if isinstance(action, PublishLayer):
                    self._publish(action.package)
                    published = True
                    if locks is not None:
                        locks.keep(self.plan.aws_name, self._arn)
                    self._in_doubt = False
                elif isinstance(action, ShareLayer):
                    self._share(action)
        finally:
            if not self._in_doubt:
                self.delivery.clean_up()
        return AppliedLayer(
            name=self.plan.name,
            aws_name=self.plan.aws_name,
            arn=self._arn,
            published=published,
        )

    def _publish(self, layer: DesiredLayer) -> None:
        arguments: dict[str, Any] = {
            "LayerName": layer.aws_name,
            "Content": self.delivery.send(layer),
            "CompatibleRuntimes": list(layer.runtimes),
            "CompatibleArchitectures": list(layer.architectures),
        }
        if layer.description:
            arguments["Description"] = layer.description
        if layer.license:
            arguments["LicenseInfo"] = layer.license

        def publish() -> str:
            self._in_doubt = True
            try:
                answer = self.client.changes.publish_layer_version(**arguments)
            except Exception as error:
                self._in_doubt = outcome(error) is Outcome.UNKNOWN
                raise
            answered = answer["Content"].get("CodeSha256")
            require_digest(f"layer `{layer.aws_name}`", answered, layer.code_sha256)
            return str(answer["LayerVersionArn"])

        def look(failed: Outcome) -> str | None:
            # A second version with the same content would be used by nobody.
            return self._published(layer) if failed is Outcome.UNKNOWN else None

        self._arn = attempt(f"publish layer `{layer.aws_name}`", publish, look=look)
        self.reporter.emit(
            LayerPublished(name=layer.aws_name, version=version_of_arn(self._arn), arn=self._arn)
        )

    def _published(self, layer: DesiredLayer) -> str | None:
        """The ARN of the latest version, if it is the one that was to be published."""
        latest = observe_layer(self.client, layer.aws_name, shared=False)
        return latest.arn if latest is not None and not layer.differences(latest) else None

    def _share(self, action: ShareLayer) -> None:
        name, principal = self.plan.aws_name, action.principal
        version = version_of_arn(self._arn)
        arguments: dict[str, Any] = {
            "LayerName": name,
            "VersionNumber": version,
            # The same identifier every time, so that sharing twice does no harm.
            "StatementId": f"wherry-{'everybody' if principal == '*' else principal}",
            "Action": "lambda:GetLayerVersion",
            "Principal": "*" if principal.startswith("o-") else principal,
        }
        if principal.startswith("o-"):
            arguments["OrganizationId"] = principal

        def share() -> bool:
            self.client.changes.add_layer_version_permission(**arguments)
            return True

        attempt(
            f"share layer `{name}` with {principal}",
            share,
            look=lambda failed: failed is Outcome.EXISTS or None,
        )
        self.reporter.emit(LayerShared(name=name, version=version, principal=principal))
