#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acquisition/config/config.hpp"
#include "acquisition/config/map_reader.hpp"

namespace daq::config {

/// An instrument with the place of everything it says of its channels, for --print-config.
struct Profile {
  Instrument instrument;
  std::vector<std::map<std::string, Place>> places;  ///< [channel] attribute -> place
};

/// Reads a profile's map. nullopt if there is any finding.
[[nodiscard]] std::optional<Profile> read_profile(const Node& map, const std::string& path, const std::string& name,
                                                  Report& report);

/// Finds profiles by name, or by the path of the file (with a '/' or ending in .yaml), and reads each once for each rate: its
/// findings are reported once, however many sources use it.
class Profiles {
 public:
  /// @param base  what relative paths begin at
  Profiles(const std::vector<std::filesystem::path>& folders, std::filesystem::path base, Report& report)
      : folders_{folders}, base_{std::move(base)}, report_{report} {}
  /// nullptr: not found or not good, reported.
  /// @param sample_rate  stands in place of the profile's: it is read as if it said so. nullptr: its own
  [[nodiscard]] const Profile* find(const Node& name, const std::string& path, const Node* sample_rate = nullptr);

 private:
  [[nodiscard]] std::string unknown(const std::string& name) const;

  const std::vector<std::filesystem::path>& folders_;
  std::filesystem::path base_;
  Report& report_;
  std::map<std::string, std::optional<Profile>> read_;  ///< nullopt: has findings
};

/// Lines that the instrument answers to these commands are no garbage.
void await_answers(decode::Description& decoder, const Commands& commands);

/// The map of a profile with another `sample_rate`. @param rate  nullptr: its own
[[nodiscard]] Node with_sample_rate(Node profile, const Node* rate);

/// As find_instrument(name, folders), at another rate.
[[nodiscard]] FoundInstrument find_instrument(const std::string& name, const std::vector<std::filesystem::path>& folders,
                                              const std::string& asked_by, double sample_rate_hz);

/// Checks and sets the component of a channel: lower case, what MTH5 takes, first letter of its kind. `value` as in the text.
/// @returns what is wrong, "" = good
[[nodiscard]] std::string check_component(mth5::Kind kind, std::string_view component);

/// Bits of a whole number of that type; 0: it is none.
[[nodiscard]] std::size_t bits_of_whole(mth5::SampleType type);
/// What is wrong where numbers of so many bits, their sign among them, are stored in a channel as they come; "" = nothing.
[[nodiscard]] std::string too_wide(std::size_t bits, std::string_view channel, mth5::SampleType dtype);

/// Attributes that nobody may write into a config, because mth5d or the profile knows them.
[[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> reserved_attributes(mth5::Kind kind);

/// `text:`, `frame:`, `datacast:`, `miniseed:`. @param channels  all names in `channels`, right or wrong; of the instrument rate
/// and soh are known
[[nodiscard]] decode::Description read_text_format(const Node& map, const std::string& path,
                                                   const std::vector<std::string>& channels, const Instrument& instrument,
                                                   Report& report);
[[nodiscard]] decode::Description read_frame_format(const Node& map, const std::string& path,
                                                    const std::vector<std::string>& channels, const Instrument& instrument,
                                                    Report& report);
[[nodiscard]] decode::Description read_datacast_format(const Node& map, const std::string& path,
                                                       const std::vector<std::string>& channels, const Instrument& instrument,
                                                       Report& report);
[[nodiscard]] decode::Description read_miniseed_format(const Node& map, const std::string& path,
                                                       const std::vector<std::string>& channels, const Instrument& instrument,
                                                       Report& report);
class MapReader;
/// `codes:` of a decoder's map, what each channel is called in the bytes, each by another text. @param check  as of
/// MapReader::require_text() @returns [channel]; "" where it is missing or wrong, which is reported
[[nodiscard]] std::vector<std::string> read_codes(MapReader& keys, const std::vector<std::string>& channels,
                                                  const std::function<std::string(std::string_view)>& check, Report& report);

}  // namespace daq::config
