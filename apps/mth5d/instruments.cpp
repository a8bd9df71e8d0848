#include "instruments.hpp"

#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <system_error>

#include "acquisition/config/config.hpp"
#include "acquisition/trial/trial.hpp"
#include "cli/cli.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"
#include "mth5/printable.hpp"

namespace mth5d {

namespace fs = std::filesystem;

namespace {

/// "text, 1 Hz: bx by bz; battery satellites".
std::string decodes(const daq::config::Instrument& instrument) {
  std::string rate = std::to_string(instrument.sample_rate);
  rate.erase(rate.find_last_not_of('0') + 1);
  if (rate.ends_with('.')) rate.pop_back();
  std::string all = std::string{daq::decode::name_of(instrument.decoder)} + ", " + rate + " Hz:";
  for (const auto& channel : instrument.channels) all += " " + channel.name;
  if (!instrument.soh.empty()) all += "; state of health:";
  for (const auto& soh : instrument.soh) all += " " + soh.name;
  return all;
}

void read_all(const std::string& file, daq::trial::Trial& trial) {
  const auto owned = file == "-" ? mth5::Descriptor{} : mth5::open_regular(file);
  const int fd = owned ? owned.get() : STDIN_FILENO;
  std::vector<char> block(1 << 16);
  ssize_t n = 0;
  while ((n = ::read(fd, block.data(), block.size())) > 0 || (n < 0 && errno == EINTR))
    if (n > 0) trial.feed({block.data(), static_cast<std::size_t>(n)}, mth5::host_now());
  if (n < 0) throw mth5::FileError{file + ": cannot be read: " + std::generic_category().message(errno)};
  trial.end();
}

}  // namespace

int list_instruments(const std::vector<fs::path>& folders) {
  const auto found = daq::config::list_instruments(folders);
  std::string broken;
  for (const auto& one : found) {
    const bool shadowed = !one.shadowed_by.empty(), good = one.problem.empty();
    std::cout << mth5::printable(one.name + "  " +
                                 (shadowed ? "shadowed by " + one.shadowed_by.string()
                                  : good   ? one.description
                                           : "BROKEN: " + one.problem) +
                                 "  (" + one.path.string() + ")")
              << "\n";
    if (shadowed) continue;
    if (good)
      std::cout << mth5::printable("    " + decodes(one.instrument)) << "\n";
    else
      broken += (broken.empty() ? "" : ", ") + one.name;
  }
  if (found.empty()) throw mth5::FileError{"no instrument profile found; set MTH5D_INSTRUMENTS to the folder that holds them"};
  if (!broken.empty()) throw cli::ConfigError{"broken profiles, each with what is wrong in the list: " + broken};
  return cli::kDone;
}

int try_recording(const std::string& profile, const std::string& file, bool json, const std::vector<fs::path>& folders) {
  const auto found = daq::config::find_instrument(profile, folders);
  if (!found.instrument) {
    std::string text;
    for (const auto& finding : found.findings) text += (text.empty() ? "" : "\n") + finding.text();
    throw cli::ConfigError{text};
  }
  daq::trial::Trial trial{*found.instrument};
  read_all(file, trial);
  std::cout << (json ? trial.json(file).dump() + "\n" : trial.text(mth5::printable(file)));
  if (!trial.decoded_anything()) throw mth5::FileError{file + ": " + trial.why_nothing()};
  return cli::kDone;
}

}  // namespace mth5d
