# SPDX-License-Identifier: BSD-3-Clause
"""Samples to medians, ratios and bars; the table and build/bench.json."""

import json
import os
import platform
import time

from measure import summary

TSC_HZ = 0


def of_samples(samples):
    """What bench.json says of one program in one case."""
    cycles = [sample.cycles_per_frame(TSC_HZ) for sample in samples]
    mpps = [sample.mpps() for sample in samples]
    return {"mpps": round(summary(mpps)["median"], 4),
            "cycles_per_frame": round(summary(cycles)["median"], 1),
            "mpps_wall": round(summary([sample.frames / sample.seconds / 1e6 for sample in samples])["median"], 4),
            "spread": {"mpps": [round(min(mpps), 4), round(max(mpps), 4)],
                       "cycles_per_frame": [round(min(cycles), 1), round(max(cycles), 1)]},
            "frames": sum(sample.frames for sample in samples),
            **{key: summary([sample.extra.get(key, 0) for sample in samples])["median"]
               for key in sorted({key for sample in samples for key in sample.extra})}}


def ratio_of(bar, programs, others):
    """The bar's ratio (or its value, if it is to nothing), or None when a side was not measured in this run."""
    case, _, name = bar.to.rpartition(":")
    side = others.get(case, {}).get(name) if case else programs.get(name)
    if bar.what not in programs.get(bar.of, {}) or (bar.to and bar.what not in (side or {})):
        return None
    return programs[bar.of][bar.what] / (side[bar.what] if side else 1)


def case_result(case, samples, rounds):
    """Of a case whose figures are rates."""
    return result_of(case, {name: of_samples(list_) for name, list_ in samples.items()}, rounds)


def result_of(case, programs, rounds):
    return {"name": case.name, "about": case.about, "source": case.source, "rounds": rounds, "ratios": [], "bars": case.bars,
            **programs}


def add_ratios(results):
    by_name = {result["name"]: result for result in results}
    for result in results:
        for bar in result.pop("bars"):
            ratio = ratio_of(bar, result, by_name)
            if ratio is None:
                continue
            held = (bar.least is None or ratio >= bar.least) and (bar.most is None or ratio <= bar.most)
            result["ratios"].append({"what": bar.what, "of": bar.of, "to": bar.to, "ratio": round(ratio, 3),
                                     "at_least": bar.least, "at_most": bar.most, "holds": held})


def write(results, path):
    add_ratios(results)
    document = {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": platform.platform(),
                "cpus": os.cpu_count(), "tsc_hz": TSC_HZ, "cases": results}
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
    os.rename(path + ".new", path)


def programs_in(result):
    return {name: values for name, values in result.items() if isinstance(values, dict)}


def print_rates(results):
    line = "{:26} {:14} {:>8} {:>8} {:>15}  {:10} {}"
    print(line.format("CASE", "PROGRAM", "MPPS", "CYCLES", "LEAST..MOST", "SOURCE", "DROPPED"))
    for result in results:
        for name, values in programs_in(result).items():
            if "mpps" not in values:
                continue
            spread = values["spread"]["cycles_per_frame"]
            print(line.format(result["name"], name, f"{values['mpps']:.2f}", f"{values['cycles_per_frame']:.0f}",
                              f"{spread[0]:.0f}..{spread[1]:.0f}", result["source"],
                              f"{values['dropped'] * 100:.2f} %" if values.get("dropped") else "").rstrip())


def print_others(results):
    for result in results:
        for name, values in programs_in(result).items():
            if "mpps" not in values:
                print(f"{result['name']}, {name} ({result['source']}): " +
                      ", ".join(f"{key} {value:g}" for key, value in values.items()))


def print_bars(results):
    for result in results:
        for ratio in result["ratios"]:
            bound = f">= {ratio['at_least']:g}" if ratio["at_least"] is not None else f"<= {ratio['at_most']:g}"
            to = f" to {ratio['to']}" if ratio["to"] else ""
            print(f"{'holds ' if ratio['holds'] else 'MISSED'} {result['name']}: {ratio['what']} of {ratio['of']}{to} "
                  f"{ratio['ratio']:g} ({bound})")


def print_table(results):
    print_rates(results)
    print()
    print_others(results)
    print()
    print_bars(results)
