#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mth5/reader.hpp"

namespace analysis {

/// Which row of the ledger of a file first had so many samples of a run in it. A file that lost its end in a crash or came back
/// from an older copy, and was recorded on, has other rows from there on, and the same ones before. Thread: that of the reader.
class Stamps {
 public:
  explicit Stamps(const mth5::Reader& file);
  /// Of samples [0, end) of a run of the file; "" = no row has all of them, or there is no ledger.
  [[nodiscard]] std::string of(std::size_t run, std::int64_t end) const;

 private:
  using Kind = std::pair<std::string, double>;  ///< station and sample rate (Hz)
  struct Row {
    std::int64_t samples;  ///< of all runs of the kind, with this commit
    std::int64_t sequence, time;
  };
  std::map<Kind, std::vector<Row>> rows_;            ///< samples grow
  std::vector<std::pair<Kind, std::int64_t>> runs_;  ///< of each run: its kind, and how many samples of that are in runs before
};

}  // namespace analysis
