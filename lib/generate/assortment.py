"""The business in constants: its categories, subcategories, territories and lines of products."""

from __future__ import annotations

from typing import NamedTuple

CATEGORIES = ("Bikes", "Components", "Clothing", "Accessories")
BIKES, COMPONENTS, CLOTHING, ACCESSORIES = range(1, 5)


class Subcategory(NamedTuple):
    """One subcategory; its key is its place in SUBCATEGORIES, from 1. `cost` is the share of the price."""

    name: str
    category: int
    sku: str
    cost: float
    description: str


class Territory(NamedTuple):
    """One sales territory; its key is its place in TERRITORIES, from 1. `weight` is its share of customers."""

    region: str
    country: str
    continent: str
    weight: float


class Line(NamedTuple):
    """One line of products: one product for every grade x colour x size, all words separated by blanks.

    `early` and `late` weigh how often the whole line is sold before and after the range of goods opens to
    clothing and accessories; `many` marks goods that one buys two or three of.
    """

    subcategory: int
    model: str
    price: float
    grades: str = ""
    colours: str = "NA"
    sizes: str = "0"
    style: str = "0"
    early: float = 0.0
    late: float = 0.0
    many: bool = False


SUBCATEGORIES = (
    Subcategory("Mountain Bikes", BIKES, "BK", 0.55, "Made for climbs, roots and long descents, with room to grow."),
    Subcategory("Road Bikes", BIKES, "BK", 0.61, "Light, quick and comfortable; the frame takes wide tires."),
    Subcategory("Touring Bikes", BIKES, "BK", 0.62, "Carries a load all day, steady on gravel, light on the hills."),
    Subcategory("Handlebars", COMPONENTS, "HB", 0.444, "Shaped for a relaxed wrist, in butted aluminum."),
    Subcategory("Bottom Brackets", COMPONENTS, "BB", 0.444, "Sealed against water, dust and neglect."),
    Subcategory("Brakes", COMPONENTS, "RB", 0.444, "Even braking in the wet; pads change without tools."),
    Subcategory("Chains", COMPONENTS, "CH", 0.444, "A chain that runs quietly and shifts under load."),
    Subcategory("Cranksets", COMPONENTS, "CS", 0.444, "Three rings of steel on stiff, hollow arms."),
    Subcategory("Derailleurs", COMPONENTS, "RD", 0.444, "Quick to set and slow to drift."),
    Subcategory("Forks", COMPONENTS, "FK", 0.444, "Steel legs, for comfort where the road ends."),
    Subcategory("Headsets", COMPONENTS, "HS", 0.444, 'Sealed 1" threadless headset, greased for life.'),
    Subcategory("Mountain Frames", COMPONENTS, "FR", 0.535, "Each tube is drawn to its load, then welded by hand."),
    Subcategory("Pedals", COMPONENTS, "PD", 0.444, "A platform on one side, a clip on the other."),
    Subcategory(
        "Road Frames", COMPONENTS, "FR", 0.581, "Light at the down-tube, stiff at the rear; a women's cut exists."
    ),
    Subcategory("Saddles", COMPONENTS, "SE", 0.444, "A cut-out, a little foam, and rails that flex."),
    Subcategory("Touring Frames", COMPONENTS, "FR", 0.599, "Eyelets for racks, fenders and lights at both ends."),
    Subcategory("Wheels", COMPONENTS, "WH", 0.444, "Double-walled rim, laced by hand."),
    Subcategory("Bib-Shorts", CLOTHING, "SB", 0.413, "Wide straps, a firm chamois, no belt to cut in."),
    Subcategory("Caps", CLOTHING, "CA", 0.66, "Cotton, washable; worn under a helmet or instead of one at lunch."),
    Subcategory("Gloves", CLOTHING, "GL", 0.413, "Padded where the bar presses, open where it does not."),
    Subcategory("Jerseys", CLOTHING, "LJ", 0.715, "Breathing fabric, three pockets and a full zip."),
    Subcategory("Shorts", CLOTHING, "SH", 0.396, "Flat seams and a lining that dries overnight."),
    Subcategory("Socks", CLOTHING, "SO", 0.366, "Thin at the top, thick at the heel, dry by morning."),
    Subcategory("Tights", CLOTHING, "TG", 0.413, "Warm on the knee, windproof in front."),
    Subcategory("Vests", CLOTHING, "VE", 0.374, "Stops the wind and packs into its own pocket."),
    Subcategory("Bike Racks", ACCESSORIES, "RA", 0.374, 'Takes four bikes on a 2" hitch, folds away when empty.'),
    Subcategory("Bike Stands", ACCESSORIES, "ST", 0.374, "The clamp turns, the legs fold, the bike stays put."),
    Subcategory("Bottles and Cages", ACCESSORIES, "WB", 0.374, "Leak-proof, easy to reach, hard to lose."),
    Subcategory("Cleaners", ACCESSORIES, "CL", 0.374, "For grease and road dirt; rinse with water."),
    Subcategory("Fenders", ACCESSORIES, "FE", 0.374, "On and off without tools; the mud stays below."),
    Subcategory("Helmets", ACCESSORIES, "HL", 0.363, "Twelve vents, a dial at the back, and a visor for low sun."),
    Subcategory("Hydration Packs", ACCESSORIES, "HY", 0.374, "Two liters of water and room for a jacket."),
    Subcategory("Lights", ACCESSORIES, "LT", 0.413, "Bright enough to be seen, rechargeable."),
    Subcategory("Locks", ACCESSORIES, "LO", 0.412, "Long enough for a frame, a wheel and a lamp post."),
    Subcategory("Panniers", ACCESSORIES, "PA", 0.412, "Waterproof, with a lid that rolls and no zip to break."),
    Subcategory("Pumps", ACCESSORIES, "PU", 0.413, "Fits every valve and most pockets."),
    Subcategory("Tires and Tubes", ACCESSORIES, "TI", 0.374, "Grips in the wet, rolls in the dry."),
)

TERRITORIES = (
    Territory("Northwest", "United States", "North America", 14.6),
    Territory("Northeast", "United States", "North America", 0.05),
    Territory("Central", "United States", "North America", 0.05),
    Territory("Southwest", "United States", "North America", 19.8),
    Territory("Southeast", "United States", "North America", 0.05),
    Territory("Canada", "Canada", "North America", 12.0),
    Territory("France", "France", "Europe", 9.2),
    Territory("Germany", "Germany", "Europe", 9.1),
    Territory("Australia", "Australia", "Pacific", 24.1),
    Territory("United Kingdom", "United Kingdom", "Europe", 11.0),
)

LINES = (
    Line(31, "Breeze Helmet", 35.0, "", "Red Black Blue", late=115),
    Line(23, "Trail Socks", 9.5, "", "White", "M L", "U", many=True),
    Line(23, "Race Socks", 9.5, "", "White", "M L", "U", late=10, many=True),
    Line(19, "Logo Cap", 9.0, "", "Multi", "0", "U", late=40, many=True),
    Line(21, "Long-Sleeve Jersey", 46.75, "", "Multi", "S M L XL", "U", late=31),
    Line(21, "Short-Sleeve Jersey", 55.99, "", "Yellow", "S M L XL", "U", late=29),
    Line(18, "Club Bib-Shorts", 90.99, "", "Multi", "S M L", "M"),
    Line(22, "Men's Gravel Shorts", 56.75, "", "Black", "S M L XL", "M"),
    Line(22, "Women's Trail Shorts", 72.75, "", "Black", "S M L", "W", late=18),
    Line(24, "Women's Winter Tights", 74.95, "", "Black", "S M L", "W"),
    Line(20, "Summer Gloves", 24.0, "", "Black", "S M L", "U", late=26, many=True),
    Line(20, "Winter Gloves", 35.5, "", "Black", "S M L", "U"),
    Line(25, "Windproof Vest", 60.75, "", "Blue", "S M L", "U", late=10),
    Line(14, "Pro Road Frame", 1360.99, "", "Red", "44 48 52 56 62", "U"),
    Line(14, "Pro Road Frame", 1234.0, "", "Black", "44 48 52 58", "U"),
    Line(14, "Sport Road Frame", 587.99, "", "Red", "44 48 52 58 60", "U"),
    Line(14, "Sport Road Frame-W", 552.99, "", "Yellow", "38 40 42 44 48", "W"),
    Line(14, "Basic Road Frame", 322.99, "", "Red Black", "44 48 52 58 60 62", "U"),
    Line(12, "Pro Trail Frame", 1438.99, "", "Silver Black", "38 42 44 46 48", "U"),
    Line(12, "Sport Trail Frame", 363.5, "", "Black", "38 40 44 48", "U"),
    Line(12, "Sport Trail Frame-W", 352.99, "", "Silver", "38 40 42 46", "W"),
    Line(12, "Basic Trail Frame", 263.99, "", "Silver Black", "40 42 44 48 52", "U"),
    Line(16, "Pro Touring Frame", 956.99, "", "Yellow Blue", "46 50 54 60", "U"),
    Line(16, "Basic Touring Frame", 351.95, "", "Yellow Blue", "44 50 54 58 62", "U"),
    Line(2, "Tempo-150", 3466.5, "", "Red", "44 48 52 56 62", "U", early=20),
    Line(2, "Tempo-450", 1434.99, "", "Red", "44 48 52 58 60", "U", early=2),
    Line(2, "Tempo-650", 754.5, "", "Red Black", "44 48 52 58 60 62", "U", early=16),
    Line(1, "Ridge-100", 3295.0, "", "Silver Black", "38 42 44 48", "U", early=6),
    Line(1, "Ridge-200", 2334.0, "", "Silver Black", "38 42 46", "U", early=25, late=25),
    Line(1, "Ridge-300", 1099.5, "", "Black", "38 40 44 48", "U", early=1),
    Line(2, "Tempo-250", 2292.5, "", "Red Black", "44 48 52 58", "U", early=26, late=7),
    Line(2, "Tempo-550-W", 1160.95, "", "Yellow", "38 40 42 44 48", "W", early=8, late=11),
    Line(10, "Fork", 150.99, "Basic Sport Pro"),
    Line(11, "Headset", 34.0, "Basic Sport Pro"),
    Line(4, "Trail Handlebars", 41.5, "Basic Sport Pro"),
    Line(4, "Road Handlebars", 46.99, "Basic Sport Pro"),
    Line(4, "Touring Handlebars", 48.5, "Basic Pro"),
    Line(17, "Trail Front Wheel", 62.99, "Basic Sport Pro", "Black"),
    Line(17, "Road Front Wheel", 85.75, "Basic Sport Pro", "Black"),
    Line(17, "Long-Haul Front Wheel", 213.0, "", "Black"),
    Line(17, "Trail Rear Wheel", 90.75, "Basic Sport Pro", "Black"),
    Line(17, "Road Rear Wheel", 104.99, "Basic Sport Pro", "Black"),
    Line(17, "Long-Haul Rear Wheel", 247.99, "", "Black"),
    Line(33, "Headlight", 32.99, "Single Double"),
    Line(33, "Tail Light", 14.75),
    Line(34, "Coil Lock", 23.5),
    Line(35, "Roll-Top Panniers", 130.5, "", "Grey"),
    Line(36, "Pump", 20.99, "Mini Trail"),
    Line(32, "Two-Liter Pack", 54.5, "", "Silver", "70", late=14),
    Line(28, "Big Bottle, 32 oz.", 4.99, late=76, many=True),
    Line(28, "Trail Bottle Cage", 9.99, late=36, many=True),
    Line(28, "Slim Bottle Cage", 8.5, late=32, many=True),
    Line(37, "Patch Kit", 2.49, late=57, many=True),
    Line(29, "Frame Wash", 7.5, late=16, many=True),
    Line(30, "Trail Fender Set", 21.5, late=38, many=True),
    Line(26, "Hitch Rack, 4 Bikes", 121.5, late=6),
    Line(27, "Repair Stand", 151.99, late=5),
    Line(7, "Chain", 20.0, "", "Silver"),
    Line(6, "Brakes", 108.95, "Front Rear", "Silver"),
    Line(9, "Derailleur", 86.99, "Front Rear", "Silver"),
    Line(8, "Crankset", 165.0, "Basic Sport Pro", "Black"),
    Line(5, "Bottom Bracket", 53.75, "Basic Sport Pro"),
    Line(13, "Trail Pedal", 38.0, "Basic Sport Pro", "Silver/Black"),
    Line(13, "Road Pedal", 40.5, "Basic Sport Pro", "Silver/Black"),
    Line(13, "Long-Haul Pedal", 79.75, "", "Silver/Black"),
    Line(15, "Trail Saddle", 26.0, "Basic Sport Pro"),
    Line(15, "Road Saddle", 24.75, "Basic Sport Pro"),
    Line(15, "Touring Saddle", 25.99, "Basic Sport Pro"),
    Line(37, "Trail Tire Tube", 4.5, late=55, many=True),
    Line(37, "Slim Tire Tube", 3.99, late=42, many=True),
    Line(37, "Long-Haul Tire Tube", 4.95, late=26, many=True),
    Line(37, "Trail Tire", 23.75, "Basic Sport Pro", late=61, many=True),
    Line(37, "Road Tire", 20.99, "Basic Sport Pro", late=50, many=True),
    Line(37, "Long-Haul Tire", 29.5, late=17, many=True),
    Line(3, "Voyage-1000", 2261.0, "", "Yellow Blue", "46 50 54 60", "U", late=13),
    Line(3, "Voyage-2000", 1264.0, "", "Blue", "46 50 54 60", "U", late=4),
    Line(3, "Voyage-3000", 733.95, "", "Yellow Blue", "44 50 54 58 62", "U", late=6),
    Line(2, "Tempo-350-W", 1733.5, "", "Yellow", "40 42 44 48", "W", late=10),
    Line(2, "Tempo-750", 535.5, "", "Black", "44 48 52 58", "U", late=15),
    Line(1, "Ridge-400-W", 762.99, "", "Silver", "38 40 42 46", "W", late=6),
    Line(1, "Ridge-500", 510.0, "", "Silver Black", "40 42 44 48 52", "U", late=5),
)
