#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

#include "acquisition/simulate/instrument.hpp"

namespace sim {

/// --truth: what was sent and what was done to it, as CSV. One row per record, and per garbage or answer between them:
///   index,time,stamp,<the instrument's values>,what,bytes
/// index: from 0; time: UTC of the record; stamp: what the record says (differs after a clock step); values: as text, before any
/// damage; what: `sent`, or what was done joined by `+`; bytes: of all kinds that were written for this row, 0 = nothing.
/// Thread: main.
class Truth {
 public:
  /// A new file. @throws mth5::Error if it exists or cannot be made
  Truth(std::string path, const daq::simulate::Instrument& instrument);
  /// The front of a row, up to `what`.
  [[nodiscard]] std::string begin_record(std::uint64_t index, const daq::simulate::Description& description,
                                         std::optional<mth5::UtcNanos> stamp) const;
  [[nodiscard]] std::string begin_between() const;
  void write(const std::string& front, const std::string& what, std::size_t bytes);
  /// @throws mth5::Error if not everything could be written
  void close();

 private:
  std::string path_;
  std::size_t n_values_;
  std::ofstream out_;
};

}  // namespace sim
