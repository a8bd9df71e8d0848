#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "acquisition/config/config.hpp"
#include "acquisition/recorder/resume.hpp"
#include "acquisition/stream/streams.hpp"

namespace daq::recorder {

/// The {index} in names of runs: the highest that was given, by station, pattern (run_id) and rate. It goes on from file to file
/// and over starts, whatever became of the files: two logs of one station never have runs of one name. Thread: one.
class RunNumbers {
 public:
  /// 0: none was given.
  [[nodiscard]] int last(const stream::Stream& stream) const;
  void raise(const stream::Stream& stream, int number);
  /// What the names of runs that were found tell.
  void raise_behind(const stream::Stream& stream, const std::string& survey, const Resume& found);

  /// Those of a station, a line each: "12 1 sr{rate}_{index:04}".
  [[nodiscard]] std::string text(const std::string& station) const;
  /// What text() gave once. Lines that make no sense are passed over: they come from a file that anybody may have written.
  void read(const std::string& station, std::string_view text);

 private:
  using Series = std::tuple<std::string, std::string, double>;  ///< station, pattern, Hz
  std::map<Series, int> last_;
};

}  // namespace daq::recorder
