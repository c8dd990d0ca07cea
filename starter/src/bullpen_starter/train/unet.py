"""The edit network and its noise schedule, in the shapes that the stock InstructPix2Pix pipeline runs unchanged."""

from diffusers import DDIMScheduler, UNet2DConditionModel

from bullpen_starter.train.text import WIDTH
from bullpen_starter.train.vae import CHANNELS

LATENT = 32


def build() -> UNet2DConditionModel:
    """7.2 million parameters. The pooled instruction modulates every block; words are attended to at 8 by 8."""
    return UNet2DConditionModel(
        sample_size=LATENT,
        in_channels=2 * CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(64, 96, 160),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=8,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )


def scheduler() -> DDIMScheduler:
    """Velocity prediction from pure noise (zero terminal SNR), steps counted from the end (Lin et al. 2024)."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )


def timesteps(steps: int) -> list[int]:
    """The trailing timesteps of a run, as the scheduler sets them: 4 gives 999, 749, 499, 249."""
    return [round(1000 - i * 1000 / steps) - 1 for i in range(steps)]
