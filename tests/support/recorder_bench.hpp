#pragma once

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/intake/intake.hpp"
#include "acquisition/recorder/recorder.hpp"
#include "mth5/reader.hpp"
#include "support/support.hpp"

namespace support {

/// Intake, ring and recorder on one thread: what the two threads of mth5d do, one step after the other.
class Bench {
 public:
  static constexpr const char* kLemi = "  - {name: lemi, file: {path: /dev/null}, instrument: lemi424}\n";

  explicit Bench(const std::string& more_config = "", std::size_t ring_words = 1u << 16, const std::string& sources = kLemi)
      : ring_{ring_words} {
    const auto path = dir_ / "mth5d.yaml";
    support::write_text(path, "survey: {id: TEST}\nstation: {id: MT001}\noutput: {directory: " + dir_.path().string() + "}\n" +
                                  more_config + "sources:\n" + sources);
    auto loaded = daq::config::load(path, {}, {support::source() / "config" / "instruments"});
    for (const auto& finding : loaded.findings) ADD_FAILURE() << finding.text();
    config_ = std::move(loaded.config.value());
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(log_text_);
    log_ = std::make_shared<spdlog::logger>("test", sink);
    intake_.emplace(config_, std::uint16_t{0}, streams_, ring_);
    recorder_.emplace(config_, streams_, ring_, receipts_, log_, [this](const std::filesystem::path&) {
      ++files_opened_;
      if (on_file) on_file(files_opened_);
    });
  }

  /// Lines of seconds [first, last) of 2026-05-01; bx tells the second.
  void send(int first, int last) {
    std::string text;
    for (int s = first; s < last; ++s) text += line(s);
    send(text);
  }
  void send(const std::string& text) { intake_->take({.bytes = text}); }
  /// @param passed  by the clock that nobody sets
  void send(const std::string& text, mth5::UtcNanos arrival, std::chrono::nanoseconds passed) {
    intake_->take({.bytes = text, .arrival = arrival, .steady = std::chrono::steady_clock::time_point{passed}});
  }
  static std::string line(int s) {
    char text[256];
    std::snprintf(text, sizeof text,
                  "2026 05 01 %02d %02d %02d %9.3f %9.3f %9.3f  20.00  10.00 %9.3f %9.3f %9.3f %9.3f %5.2f %6.1f 3404.83786 N "
                  "10712.84430 W 12 2 "
                  "0 \n",
                  s / 3600, s / 60 % 60, s % 60, static_cast<double>(s), 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 12.0 + s * 0.01, 2203.0);
    return text;
  }
  void finish() {
    intake_->finish();
    ring_.close();
    recorder_->run();
  }

  mth5::Reader reader() const { return mth5::Reader{mth5::newest_file(dir_.path()).value()}; }
  std::function<void(int)> on_file;  ///< called on the writer's thread with the number of files so far
  daq::intake::Intake& intake() { return *intake_; }
  daq::ring::Ring& ring() { return ring_; }
  daq::recorder::State state() const { return recorder_->state(); }
  daq::recorder::Recorder& recorder() { return *recorder_; }
  const std::filesystem::path& directory() const { return dir_.path(); }
  std::uint64_t dropped(daq::ledger::Drop why) const {
    return intake_->streams().at(0).counters.dropped[static_cast<std::size_t>(why)];
  }
  std::string log() const { return log_text_.str(); }

 private:
  support::TempDir dir_;
  daq::config::Config config_;
  daq::stream::Streams streams_;
  daq::ledger::Receipts receipts_;
  daq::ring::Ring ring_;
  std::ostringstream log_text_;
  std::shared_ptr<spdlog::logger> log_;
  std::optional<daq::intake::Intake> intake_;
  std::optional<daq::recorder::Recorder> recorder_;
  int files_opened_ = 0;
};

inline std::vector<double> channel(const mth5::Reader& reader, const std::string& run, const std::string& component) {
  for (std::size_t i = 0; i < reader.channels().size(); ++i)
    if (reader.channels()[i].run == run && reader.channels()[i].component == component)
      return reader.read(i, 0, reader.channels()[i].n_samples);
  ADD_FAILURE() << run << "/" << component << " is not there";
  return {};
}

}  // namespace support
