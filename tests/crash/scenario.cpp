#include "scenario.hpp"

#include <algorithm>
#include <array>

namespace crash {

namespace {

using mth5::SampleType;

constexpr std::array kScenarios{
    Scenario{.name = "each", .what = "chunk 1000, every flush a sync", .gaps_every = 13},
    Scenario{.name = "tenth", .what = "chunk 1000, a sync every tenth flush", .flushes = 100, .sync_every = 10, .gaps_every = 13},
    Scenario{.name = "chunk4", .what = "chunk 4: a long index", .chunk = 4, .batch_min = 30, .batch_max = 50, .flushes = 80},
    Scenario{.name = "chunk20",
             .what = "chunk 20, a sync every tenth flush",
             .chunk = 20,
             .batch_min = 60,
             .batch_max = 140,
             .flushes = 120,
             .sync_every = 10},
    Scenario{.name = "chunk100",
             .what = "chunk 100, a sync every third flush",
             .type = SampleType::Float64,
             .chunk = 100,
             .batch_min = 90,
             .batch_max = 320,
             .flushes = 90,
             .sync_every = 3},
    Scenario{.name = "partial",
             .what = "parts of chunks, every flush a sync",
             .type = SampleType::Float64,
             .chunk = 1000,
             .batch_min = 7,
             .batch_max = 100,
             .flushes = 80,
             .gaps_every = 7},
    Scenario{.name = "partial10",
             .what = "parts of chunks, a sync every tenth flush",
             .chunk = 4000,
             .batch_min = 7,
             .batch_max = 100,
             .flushes = 160,
             .sync_every = 10,
             .gaps_every = 7},
    Scenario{.name = "frames",
             .what = "interleaved frames, a sync every fourth flush",
             .interleaved = true,
             .chunk = 256,
             .batch_min = 1,
             .batch_max = 500,
             .flushes = 90,
             .sync_every = 4},
    Scenario{.name = "edits",
             .what = "new run, channel, station, metadata in flow",
             .chunk = 500,
             .batch_min = 20,
             .batch_max = 300,
             .flushes = 60,
             .sync_every = 3,
             .edit_every = 4,
             .gaps_every = 5},
    Scenario{.name = "roll",
             .what = "a new run every five flushes",
             .chunk = 1000,
             .batch_min = 100,
             .batch_max = 900,
             .flushes = 60,
             .sync_every = 2,
             .roll_every = 5},
    Scenario{.name = "large",
             .what = "one edit with 8 stations and 64 channels",
             .channels = 8,
             .chunk = 500,
             .batch_min = 50,
             .batch_max = 200,
             .flushes = 12,
             .sync_every = 3,
             .large_edit_at = 5},
    Scenario{.name = "many",
             .what = "50 channels, a sync every second flush",
             .channels = 50,
             .chunk = 1000,
             .batch_min = 60,
             .batch_max = 140,
             .flushes = 30,
             .sync_every = 2},
    Scenario{.name = "first", .what = "first seconds of a new file", .batch_min = 100, .batch_max = 200, .flushes = 3},
    Scenario{.name = "close",
             .what = "closing",
             .type = SampleType::Float64,
             .batch_min = 100,
             .batch_max = 900,
             .flushes = 8,
             .sync_every = 5,
             .roll_every = 3,
             .ending = Ending::Close},
    Scenario{.name = "reopen",
             .what = "going on in a dead writer's file, and in a closed one",
             .batch_min = 30,
             .batch_max = 300,
             .flushes = 15,
             .sync_every = 4,
             .ending = Ending::Reopen},
};

}  // namespace

std::span<const Scenario> scenarios() { return kScenarios; }

const Scenario* find_scenario(std::string_view name) {
  const auto found = std::find_if(kScenarios.begin(), kScenarios.end(), [&](const Scenario& s) { return s.name == name; });
  return found == kScenarios.end() ? nullptr : &*found;
}

}  // namespace crash
