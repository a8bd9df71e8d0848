#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mth5/types.hpp"

namespace crash {

enum class Ending {
  Cut,    ///< the recording ends in the middle of it
  Close,  ///< close() at the end
  Reopen  ///< the writer dies with samples not flushed, a second one opens the file and goes on, closes it, opens it again
};

/// What the scripted writer does: append a batch, flush, and now and then something else.
struct Scenario {
  std::string_view name;
  std::string_view what;
  std::size_t channels = 5;
  mth5::SampleType type = mth5::SampleType::Int32;
  bool interleaved = false;
  std::size_t chunk = 1000;  ///< samples
  std::size_t batch_min = 1000, batch_max = 1000;
  int flushes = 60;
  int sync_every = 1;     ///< flushes; 1: each flush is a sync
  int edit_every = 0;     ///< flushes; new run, new channel, new station, metadata in turn; 0 = none
  int roll_every = 0;     ///< flushes; the run is finished and a new one begun
  int gaps_every = 0;     ///< flushes; a row into the second table
  int large_edit_at = 0;  ///< flush before which 8 stations with a run of `channels` channels each come in one edit
  Ending ending = Ending::Cut;
  int cuts_from = 0;  ///< flush before which power is not cut
  int share = 4;      ///< of the images; less where one takes long
};

[[nodiscard]] std::span<const Scenario> scenarios();
/// nullptr if there is none of that name.
[[nodiscard]] const Scenario* find_scenario(std::string_view name);

}  // namespace crash
