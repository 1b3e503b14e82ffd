"""Shapes of rewards, speed and memory."""

import numpy as np

from kb.evidence.shape_tools import (
    Columns,
    Seen,
    finite,
    jumps,
    parts_of,
    seen_at,
    zero,
)


def reward_std_zero(columns: Columns) -> Seen | None:
    spread, share = finite(columns, "reward_std", 2), finite(columns, "frac_reward_zero_std", 2)
    if spread is not None and zero(spread).mean() >= 0.9:
        return seen_at(spread, zero(spread))
    if share is not None and (share.low >= 0.999).mean() >= 0.9:
        return seen_at(share, share.low >= 0.999)
    return None


def reward_zero(columns: Columns) -> Seen | None:
    reward = finite(columns, "reward", 2)
    return seen_at(reward, zero(reward)) if reward is not None and zero(reward).all() else None


def reward_flat(columns: Columns) -> Seen | None:
    reward = finite(columns, "reward", 20)
    if reward is None or zero(reward).all():
        return None
    quarters = parts_of(reward.middle, 4)
    level = max(float(np.abs(quarters).max()), 1e-6)
    if np.ptp(quarters) > 0.05 * level or 0.9 <= quarters[-1] <= 1.0:
        return None
    return seen_at(reward, [0, len(reward) - 1])


def reward_collapse(columns: Columns) -> Seen | None:
    """The reward gains, then loses 70 % of the gain."""
    reward = finite(columns, "reward", 6)
    if reward is None:
        return None
    parts = parts_of(reward.middle, min(8, len(reward) // 2))
    top = int(np.argmax(parts))
    gain, lost = parts[top] - parts[0], parts[top] - parts[-1]
    if not 0 < top < len(parts) - 1 or gain < 0.1 * max(abs(parts[0]), 0.5) or lost < 0.7 * gain:
        return None
    noise = float(np.median(np.abs(np.diff(reward.middle))))
    return seen_at(reward, [int(np.argmax(reward.middle)), len(reward) - 1]) if lost > 3 * noise else None


def kl_spike(columns: Columns) -> Seen | None:
    kl = finite(columns, "kl", 4)
    peaks = jumps(kl, 10.0, 0.5) if kl is not None else []
    return seen_at(kl, peaks) if kl is not None and peaks else None


def entropy_collapse(columns: Columns) -> Seen | None:
    entropy = finite(columns, "entropy", 4)
    if entropy is None:
        return None
    first, last = float(entropy.middle[:3].max()), float(np.median(entropy.middle[-3:]))
    if first < 0.1 or last > 0.03 or last > 0.15 * first:
        return None
    return seen_at(entropy, [0, len(entropy) - 1])


def completions_clipped(columns: Columns) -> Seen | None:
    ratio = finite(columns, "clipped_ratio", 2)
    return seen_at(ratio, ratio.high >= 0.9) if ratio is not None and np.median(ratio.middle) >= 0.9 else None


def rewards_chosen_falling(columns: Columns) -> Seen | None:
    """The reward of chosen answers falls by 2 or more, below 0; healthy DPO drifts less."""
    chosen = finite(columns, "rewards/chosen", 4)
    if chosen is not None:
        first, last = float(np.median(chosen.middle[:2])), float(np.median(chosen.middle[-2:]))
        return seen_at(chosen, [0, len(chosen) - 1]) if last < -2 and first - last >= 2 else None
    logps = finite(columns, "logps/chosen", 4)
    if logps is None:
        return None
    first, last = float(np.median(logps.middle[:2])), float(np.median(logps.middle[-2:]))
    return seen_at(logps, [0, len(logps) - 1]) if first - last >= max(20.0, 0.2 * abs(first)) else None


def throughput_drop(columns: Columns) -> Seen | None:
    """The last third runs at 60 % or less of the first."""
    for name, direction in (("tokens_per_second", 1), ("samples_per_second", 1), ("steps_per_second", 1),
                            ("step_seconds", -1), ("step_milliseconds", -1)):  # fmt: skip
        series = finite(columns, name, 6)
        if series is None or (series.low <= 0).any():
            continue
        parts = parts_of(series.middle**direction, 3)
        if parts[2] <= 0.6 * parts[0] and parts[2] <= 1.1 * parts[1]:
            return seen_at(series, [0, len(series) - 1])
    return None


def memory_growing(columns: Columns) -> Seen | None:
    memory = finite(columns, "memory", 6)
    if memory is None or memory.high[0] <= 0:
        return None
    parts = parts_of(memory.middle, 3)
    rising = (np.diff(memory.middle) >= 0).mean() >= 0.8 and parts[2] > 1.05 * parts[1] > 1.05 * parts[0]
    if not rising or memory.middle[-1] < 1.2 * memory.middle[0]:
        return None
    return seen_at(memory, [0, len(memory) - 1])
