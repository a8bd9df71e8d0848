#pragma once

#include <complex>
#include <optional>
#include <string_view>
#include <vector>

/// What stands under the simulated station. Thread: values.
namespace daq::simulate {

/// Layers over a half space.
struct Earth {
  struct Layer {
    double resistivity_ohm_m, thickness_m;
  };
  std::vector<Layer> layers = {};  ///< from the top
  double resistivity_ohm_m = 100;  ///< of the half space below

  /// E / B in mV/km per nT, with exp(+i omega t): Ex = Z By, Ey = -Z Bx. @param frequency_hz  > 0
  [[nodiscard]] std::complex<double> impedance(double frequency_hz) const;
};
/// "100" (ohm m), "100:500m:10" (100 ohm m, 500 m thick, over 10 ohm m), more layers likewise; nullopt for anything else.
[[nodiscard]] std::optional<Earth> parse_earth(std::string_view text);

/// The electric field that an earth makes of a magnetic one, sample by sample: any 1-D impedance is a sum of high passes of first
/// order with weights that are not negative, c / (s + p) times s, so E is such a sum of what B has been. Exact to 2 % down from a
/// tenth of the sample rate. Thread: one.
class EarthFilter {
 public:
  EarthFilter(const Earth& earth, double rate_hz);
  /// @returns Z * B at this sample. @param b_nt  the next sample
  double next(double b_nt);

 private:
  struct HighPass {
    double weight, a, b;  ///< y = a * (x - x before) + b * y before
    double y = 0;
  };
  std::vector<HighPass> stages_;
  double before_ = 0;
  bool first_ = true;
};

}  // namespace daq::simulate
