#include "support/streaming.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include "support/support.hpp"
#include "support/test_writer.hpp"

namespace support {

std::string Watched::look(const mth5::Reader& reader) {
  const auto& components = TestWriter::components();
  std::string first_wrong;
  seen_.resize(reader.channels().size());
  for (std::size_t i = 0; i < reader.channels().size(); ++i) {
    const auto& info = reader.channels()[i];
    if (info.n_samples <= seen_[i]) continue;
    const auto c = static_cast<std::size_t>(std::find(components.begin(), components.end(), info.component) - components.begin());
    const auto run = static_cast<std::size_t>(std::stoul(info.run.substr(1)));
    const auto samples = reader.read(i, seen_[i], info.n_samples - seen_[i]);
    for (std::size_t k = 0; k < samples.size(); ++k) {
      const std::int64_t index = seen_[i] + static_cast<std::int64_t>(k);
      if (samples[k] == sample_at(c, run, index)) continue;
      ++wrong_;
      if (first_wrong.empty())
        first_wrong = info.run + "/" + info.component + "[" + std::to_string(index) + "] is " + std::to_string(samples[k]) +
                      ", of " + std::to_string(info.n_samples);
    }
    seen_[i] = info.n_samples;
  }
  return first_wrong;
}

Streaming::Streaming(const std::filesystem::path& path) : child_{[this, path] { return watch(path, *common_); }} {}

int Streaming::watch(const std::filesystem::path& path, Common& common) {
  mth5::Reader reader{path, {.deadline = std::chrono::seconds{30}}};
  Watched watched;
  const std::atomic_ref stop{common.stop};
  std::atomic_ref{common.open} = true;
  for (bool last = false; !last;) {
    last = stop;  // asked before the look: what is there when we are told to stop must be seen
    Seen& seen = common.seen;
    try {
      reader.refresh();
      const auto first_wrong = watched.look(reader);
      if (seen.wrong == 0 && !first_wrong.empty()) std::snprintf(seen.text, sizeof seen.text, "%s", first_wrong.c_str());
      seen.samples = reader.runs().at(0).n_samples;
    } catch (const mth5::Error& e) {
      ++seen.errors;
      if (seen.wrong == 0) std::snprintf(seen.text, sizeof seen.text, "%s", e.what());
    }
    seen.wrong = watched.wrong();
    ++seen.looks;
  }
  return 0;
}

bool Streaming::wait_until_open() const {
  return eventually([&] { return std::atomic_ref{common_->open}.load(); });
}

bool Streaming::freeze() const { return support::freeze(child_.pid()); }

void Streaming::thaw() const { child_.signal(SIGCONT); }

Streaming::Seen Streaming::stop() {
  std::atomic_ref{common_->stop} = true;
  const auto ended = child_.wait();
  if (ended.code != 0 || !ended.err.empty())
    throw std::runtime_error{"mth5::Reader: ended with " + std::to_string(ended.code) + ": " + ended.err};
  return common_->seen;
}

}  // namespace support
