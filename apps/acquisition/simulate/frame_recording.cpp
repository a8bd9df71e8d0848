#include "acquisition/simulate/frame_recording.hpp"

#include "acquisition/decode/description.hpp"
#include "acquisition/simulate/recording.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace daq::simulate {

namespace {

constexpr std::size_t kBlock = 1u << 16;
constexpr std::size_t kLongestRecord = 1u << 16;  // of a record
constexpr std::size_t kBeginning = 1u << 20;      // bytes that are decoded to know how long a record is

/// Of a batch, as the stream counts them: a sample of all channels is one, also where they come one by one.
double samples_in(const decode::Batch& batch, std::size_t channels) {
  double n = 0;
  for (const auto& frame : batch.frames)
    n += frame.channel == decode::kAllChannels ? frame.n_samples
                                               : static_cast<double>(frame.n_samples) / static_cast<double>(channels);
  return n;
}

bool has_samples(const decode::Batch& batch) { return samples_in(batch, 1) > 0; }

}  // namespace

FrameRecording::FrameRecording(std::vector<std::filesystem::path> files, const config::Instrument& profile, mth5::UtcNanos now)
    : files_{std::move(files)},
      now_{now},
      decoder_{decode::make_decoder(profile.decoder, profile.kept)},
      decoded_{profile.channels.size()} {
  for (const auto& file : files_) (void)open_recording(file);
  double samples = 0;
  std::size_t records = 0, bytes = 0;
  for (auto record = next(); record && bytes < kBeginning; record = next()) {
    bytes += record->size();
    if (const double n = samples_in(batch_, profile.channels.size()); n > 0) {
      samples += n;
      ++records;
    }
  }
  if (records == 0)
    throw mth5::FileError{files_.front().string() + ": no frame of " + profile.name + " at its beginning; mth5d --try " +
                          profile.name + " tells why"};
  samples_per_record_ = samples / static_cast<double>(records);
  decoder_ = decode::make_decoder(profile.decoder, profile.kept);
  n_opened_ = at_ = 0;
  fd_.reset();
  buffer_.clear();
}

bool FrameRecording::fill() {
  buffer_.resize(kBlock);
  at_ = 0;
  for (;;) {
    if (!fd_) {
      if (n_opened_ == files_.size()) break;
      fd_ = open_recording(files_[n_opened_++]);
    }
    const auto n = read_recording(fd_.get(), files_[n_opened_ - 1], buffer_);
    buffer_.resize(n);
    if (n > 0) return true;
    buffer_.resize(kBlock);
    fd_.reset();
  }
  buffer_.clear();
  return false;
}

std::optional<std::string_view> FrameRecording::next() {
  record_.clear();
  batch_.clear();
  while (record_.size() < kLongestRecord && (at_ < buffer_.size() || fill())) {
    const char byte = buffer_[at_++];
    record_ += byte;
    decoder_->feed({.bytes = {&byte, 1}, .arrival = now_}, batch_);
    if (has_samples(batch_)) break;
  }
  if (buffer_.empty()) decoder_->end_of_stream(batch_);
  decoded_.set(batch_);
  if (record_.empty()) return std::nullopt;
  return record_;
}

}  // namespace daq::simulate
