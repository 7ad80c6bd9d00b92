"""The published network: a U-Net whose encoder is a ResNet-34, through segmentation-models-pytorch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from napari_inkling.core import SettingsError

__all__ = ["ResNet34UNet"]


class ResNet34UNet(nn.Module):
    """U-Net of ``segmentation_models_pytorch`` with a ResNet-34 encoder; logits at input resolution.

    Parameters
    ----------
    channels : int
        Input channels C.
    outputs : int
        Output channels, logits.
    pretrained : bool
        Start from ImageNet weights. Where they cannot be had, the weights are random and ``notify`` is told.
    notify : callable
        Takes a sentence for the person.

    Raises
    ------
    SettingsError
        If segmentation-models-pytorch is not installed.
    """

    stride = 32
    #: Half of the receptive field of a ResNet-34 at stride 32 with the decoder on top, rounded up.
    reach = 512

    def __init__(
        self,
        channels: int,
        outputs: int = 1,
        pretrained: bool = False,
        notify: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__()
        try:
            import segmentation_models_pytorch as smp
        except ImportError as error:
            raise SettingsError(
                "network = 'resnet34' needs segmentation-models-pytorch: "
                "pip install 'napari-inkling[published]'"
            ) from error

        def build(weights: str | None) -> nn.Module:
            unet: nn.Module = smp.Unet(
                "resnet34", encoder_weights=weights, in_channels=channels, classes=outputs
            )
            return unet

        if not pretrained:
            self.unet = build(None)
            return
        try:
            self.unet = build("imagenet")
        except Exception as error:  # whatever the download raises: no network, no file, a changed address
            notify(
                "ImageNet weights of the ResNet-34 could not be downloaded "
                f"({type(error).__name__}: {error}): it starts from random weights, which costs accuracy"
            )
            self.unet = build(None)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, Y, X) → logits (B, outputs, Y, X)."""
        logits: Tensor = self.unet(images)
        return logits
