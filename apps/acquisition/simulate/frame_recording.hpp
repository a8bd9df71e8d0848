#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/decode/decoder.hpp"
#include "acquisition/simulate/decoded.hpp"
#include "acquisition/simulate/instrument.hpp"
#include "mth5/descriptor.hpp"

namespace daq::simulate {

/// Plays recordings of instruments that send no lines, bytes as recorded: a record ends where the decoder of their profile has a
/// frame with samples whole, so what stands between frames goes with the next one. What holds no frame goes in pieces of 64 KiB;
/// memory does not grow with the file.
class FrameRecording : public RecordSource {
 public:
  /// Opens every file once, and decodes the beginning of the first to know how many samples a record has.
  /// @param now  the date of times of day is the nearest to it
  /// @throws mth5::FileError, also where there is no frame of this instrument in that
  FrameRecording(std::vector<std::filesystem::path> files, const config::Instrument& profile, mth5::UtcNanos now);
  std::optional<std::string_view> next() override;

  /// Of the newest record, as Instrument::describe.
  void describe(Description& out) const { decoded_.describe(out); }
  /// On the average of the beginning: records last as long as their samples.
  [[nodiscard]] double samples_per_record() const { return samples_per_record_; }

 private:
  bool fill();

  std::vector<std::filesystem::path> files_;
  const mth5::UtcNanos now_;
  std::unique_ptr<decode::Decoder> decoder_;
  decode::Batch batch_;
  Decoded decoded_;
  std::size_t n_opened_ = 0;
  mth5::Descriptor fd_;
  std::string buffer_;
  std::size_t at_ = 0;  ///< of what the decoder has not seen
  std::string record_;
  double samples_per_record_ = 1;
};

}  // namespace daq::simulate
